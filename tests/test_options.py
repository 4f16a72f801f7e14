import pytest

from antipodal.errors import InputError
from antipodal.files import options_from_dict
from antipodal.planner import PlannerOptions


def test_nested_values_replace_defaults_and_only_those():
    options = options_from_dict(PlannerOptions, {"depths": 5, "cem": {"iterations": 1}, "openings": [1, 0.5]})
    assert options.depths == 5 and options.cem.iterations == 1 and options.openings == (1.0, 0.5)
    assert options.sampling == PlannerOptions().sampling and options.cem.samples == PlannerOptions().cem.samples


@pytest.mark.parametrize(
    "values, complaint",
    [
        ({"dephts": 3}, "did you mean depths"),
        ({"cem": {"samplse": 3}}, r"did you mean cem\.samples"),
        ({"cem": 3}, "must be a mapping"),
        ({"depths": "three"}, "depths must be int"),
        ({"depths": 2.5}, "depths must be int"),
        ({"zzz": 1}, "possible: policy, approach"),
    ],
)
def test_unknown_names_and_wrong_types_are_refused(values, complaint):
    with pytest.raises(InputError, match=complaint):
        options_from_dict(PlannerOptions, values)


def test_impossible_approach_is_refused():
    with pytest.raises(InputError, match="sideways"):
        PlannerOptions(approach="sideways")
