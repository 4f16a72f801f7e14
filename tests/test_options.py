import pytest

from antipodal.errors import InputError
from antipodal.files import nested, options_from_dict, with_values
from antipodal.planner import PlannerOptions
from antipodal.synth.options import preset

DEEP: list = []
DEEP.append([DEEP, DEEP])


def test_a_range_takes_two_values():
    for wrong in ([], [0.1], [0.1, 0.2, 0.3]):
        with pytest.raises(InputError, match=r"cameras\.polar must hold 2 values, got"):
            with_values(preset("default"), {"cameras": {"polar": wrong}})


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
        ({"min_quality": float("nan")}, "min_quality must be float, got nan"),
        ({"min_quality": 10**400}, r"min_quality must be float, got 1000+\.\.\.0000"),
        ([DEEP], r"options must be a mapping, got \[\[\[\.\.\.\]\]\]"),
    ],
)
def test_unknown_names_and_wrong_types_are_refused(values, complaint):
    with pytest.raises(InputError, match=complaint):
        options_from_dict(PlannerOptions, values)


def test_values_replace_those_of_the_options_at_hand():
    options = with_values(preset("dexnet2"), {"cameras": {"polar": [0, 0.3]}, "labels": {"draws": 3}})
    assert options.cameras.polar == (0.0, 0.3) and options.labels.draws == 3
    assert options.cameras.radius == preset("dexnet2").cameras.radius  # not that of the class
    assert options.labels.quality == "robust_epsilon" and options.noise == preset("dexnet2").noise


def test_assignments_become_nested_values():
    texts = [
        "cameras.polar=[0, 0.3]",
        "cameras.offset=0.1",
        "grasps=20",
        "labels.quality=epsilon",
        "uniform_poses=true",
    ]
    assert nested(texts) == {
        "cameras": {"polar": [0, 0.3], "offset": 0.1},
        "grasps": 20,
        "labels": {"quality": "epsilon"},
        "uniform_poses": True,
    }


@pytest.mark.parametrize("texts", [["polar"], ["=3"], ["cameras..polar=3"], ["a=1", "a.b=2"], ["a=[1"]])
def test_what_assigns_nothing_is_refused(texts):
    with pytest.raises(InputError):
        nested(texts)


def test_impossible_approach_is_refused():
    with pytest.raises(InputError, match="sideways"):
        PlannerOptions(approach="sideways")
