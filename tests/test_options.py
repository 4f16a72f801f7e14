import math
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace

import pytest
from scenes import CAMERA, box, render

from antipodal import resources
from antipodal.errors import InputError, NoGraspFound
from antipodal.files import nested, options_from_dict, with_values
from antipodal.grasping.fixed_pieces import FixedOptions
from antipodal.perception.bins import BinOptions
from antipodal.perception.segmentation_options import SegmentationOptions
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning.dense_scan import DenseOptions
from antipodal.planning.suction_options import SuctionOptions
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner
from antipodal.synth.options import preset
from antipodal.tracking import TrackingOptions

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


def leaves(options, path=()):
    """(names, default) of every value of options, nested as they are."""
    for field in fields(options):
        value = getattr(options, field.name)
        inner = (*path, field.name)
        yield from leaves(value, inner) if is_dataclass(value) else [(inner, value)]


def set_one(options, path, value):
    """Options with one value set as in Python, which no file's checks have seen."""
    return replace(options, **{path[0]: set_one(getattr(options, path[0]), path[1:], value) if path[1:] else value})


WRONG = [math.nan, math.inf, -math.inf, 1e12, 10**13, "much", None, True, [1.0], ()]
ALL = [(cls, path, default) for cls in (PlannerOptions, SuctionOptions) for path, default in leaves(cls())]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_no_option_takes_what_nothing_can_be_planned_with(wrong):
    for cls, path, default in ALL:
        if not (isinstance(default, str) and isinstance(wrong, str)):
            with pytest.raises(InputError, match=path[-1]):
                set_one(cls(), path, wrong)


def test_the_message_names_the_option_and_what_is_possible():
    with pytest.raises(InputError, match=r"option table\.cells must be a whole number from 1 to 19200, got 0"):
        PlannerOptions.from_dict({"table": {"cells": 0}})
    with pytest.raises(InputError, match=r"option segmentation\.rim must be a number from 0 to 1, got 100"):
        SuctionOptions.from_dict({"segmentation": {"rim": 100}})
    with pytest.raises(InputError, match=r"option table must be TableOptions, got None"):
        PlannerOptions(table=None)


@pytest.fixture(scope="module")
def planners():
    suction = SuctionPlanner.load(resources.locate("models", "suction"), SuctionCup.load("piab_b30"))
    return {
        PlannerOptions: GraspPlanner.load(resources.locate("models", "default"), device="cpu"),
        SuctionOptions: suction,
    }


@pytest.mark.parametrize("extreme", [0, -1, 1e-12, 1e9], ids=str)
def test_every_option_is_refused_or_planned_with(extreme, planners):
    depth = render([box((0.0, 0.0), (0.05, 0.04, 0.06), 0.4)])[0]
    for cls, path, default in ALL:
        value = (extreme,) * len(default) if isinstance(default, tuple) else extreme
        with suppress(InputError, NoGraspFound):
            planners[cls].tune(set_one(cls(), path, value))
            planners[cls].plan(depth, CAMERA, max_grasps=1)


def test_what_0_or_no_end_switches_off_stays_possible():
    bins, dense, fixed = BinOptions(beyond=0), DenseOptions(peak_radius=0), FixedOptions(blur=0)
    segmentation = SegmentationOptions(min_certain=0, gap=0, bins=bins)
    options = PlannerOptions(segmentation=segmentation, dense=dense, fixed=fixed)
    depth = render([box((0.0, 0.0), (0.05, 0.04, 0.06), 0.4)])[0]
    assert GraspPlanner.load(resources.find("models/default.pt"), device="cpu", options=options).plan(depth, CAMERA)
    assert TrackingOptions(memory=math.inf).memory == math.inf
