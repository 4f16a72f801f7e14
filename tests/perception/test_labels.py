"""Grasps are on the object that they say, and on no other with it."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inputs import TOUCHING, TWO, labels_of
from scenes import CAMERA, OVERHEAD, box, render

from antipodal import resources, transforms
from antipodal.errors import InputError, NoGraspFound
from antipodal.planner import GraspPlanner

PLANNER = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
CELL = 0.0025  # of the view [m]: labels may be wrong by one at an object's outline


def between_jaws(grasp, gripper):
    """Points (N, 3) in the table's frame that fill what the jaws close on, down to the tips."""
    x, y, z = np.meshgrid(*(np.linspace(-0.5, 0.5, 23),) * 2, np.linspace(-0.03, 0, 8))
    local = np.stack([x.ravel() * gripper.jaw_width, y.ravel() * grasp.width, z.ravel() + gripper.tip], axis=-1)
    return transforms.apply(transforms.invert(OVERHEAD) @ grasp.T_cam_grasp, local)


def within(points, one, less):
    """(N,) bool: points (N, 3) that lie in a box made smaller by so much to each side [m]."""
    T_table_box, half = one
    return (np.abs(transforms.apply(transforms.invert(T_table_box), points)) < half - less).all(axis=1)


def assert_closes_on_its_own(plan, boxes):
    for grasp in plan:
        filled = [within(between_jaws(grasp, PLANNER.gripper), one, 2 * CELL).any() for one in boxes]
        assert filled[grasp.label - 1]
        assert sum(filled) == 1, f"a grasp on {grasp.label} holds {filled}"


def test_a_neighbour_that_touches_is_never_held_too():
    depth, mask = render(TOUCHING)
    both = PLANNER.plan(depth, CAMERA, mask)
    held = [within(between_jaws(g, PLANNER.gripper), one, 2 * CELL).any() for g in both for one in TOUCHING]
    assert sum(held) > len(both), "without labels the two are one object"
    labels = labels_of(TOUCHING)
    plan = PLANNER.plan(depth, CAMERA, labels=labels)
    assert {g.label for g in plan} == {1, 2}
    assert_closes_on_its_own(plan, TOUCHING)
    for target in (1, 2):
        only = PLANNER.plan(depth, CAMERA, labels=labels, targets=[target])
        assert {g.label for g in only} == {target}
        assert_closes_on_its_own(only, TOUCHING)


@settings(max_examples=12, deadline=None)
@example(seed=120, count=3, wanted=1)  # another object is nearest in a cell that shows the target too
@example(seed=31, count=4, wanted=1)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 5), wanted=st.integers(1, 3))
def test_in_a_crowd_every_grasp_is_on_a_target_alone(seed, count, wanted):
    rng = np.random.default_rng(seed)
    boxes = [
        box(rng.uniform(-0.07, 0.07, 2), (*rng.uniform(0.02, 0.07, 2), rng.uniform(0.03, 0.07)), rng.uniform(0, 3))
        for _ in range(count)
    ]
    labels = labels_of(boxes)
    present = np.unique(labels[labels > 0])
    targets = rng.choice(present, min(wanted, len(present)), replace=False).tolist()
    depth, _ = render(boxes)
    try:
        plan = PLANNER.plan(depth, CAMERA, labels=labels, targets=targets, seed=seed)
    except NoGraspFound:
        return
    assert {g.label for g in plan} <= set(targets)
    for grasp in plan:
        u, v = np.rint(grasp.center_px).astype(int)
        around = labels[max(0, v - 4) : v + 5, max(0, u - 4) : u + 5]
        assert grasp.label in around, "the grasp is centred on its object"


def test_at_most_so_many_grasps_an_object():
    depth, _ = render(TWO)
    labels = labels_of(TWO)
    for most in (1, 2):
        plan = PLANNER.plan(depth, CAMERA, labels=labels, per_object=most)
        assert [sum(g.label == label for g in plan) for label in (1, 2)] == [most, most]
        assert [g.quality for g in plan] == sorted((g.quality for g in plan), reverse=True)
    assert len(PLANNER.plan(depth, CAMERA, labels=labels, per_object=2, max_grasps=3)) == 3


def test_labels_may_be_any_whole_numbers_and_lead_to_the_same_plan():
    depth, _ = render(TWO)
    labels = labels_of(TWO)
    plan = PLANNER.plan(depth, CAMERA, labels=labels)
    for kind, factor in [(np.int64, 1000), (np.uint16, 300), (np.int32, 7)]:
        other = PLANNER.plan(depth, CAMERA, labels=labels.astype(kind) * kind(factor))
        assert [g.label for g in other] == [factor * g.label for g in plan]
        assert [g.quality for g in other] == [g.quality for g in plan]
    assert all(g.label == 0 for g in PLANNER.plan(depth, CAMERA))
    assert plan[0].to_dict()["label"] == plan[0].label


def test_where_the_jaws_fit_round_no_object_alone_the_reason_says_so():
    boxes = [box((x, 0.0), (0.015, 0.08, 0.05)) for x in (-0.015, 0.0, 0.015)]
    depth, _ = render(boxes)
    with pytest.raises(NoGraspFound, match=r"0 of \d+ where the jaws close on one labelled object alone") as caught:
        PLANNER.plan(depth, CAMERA, labels=labels_of(boxes), targets=[2])
    assert caught.value.counts["alone"] == 0


LABELS = labels_of(TWO)
REFUSED = [
    (dict(labels=LABELS[1:]), "labels must have the depth image's shape"),
    (dict(labels=LABELS.astype(float)), "labels must be whole numbers, 0 = no object, got float64"),
    (dict(labels=LABELS > 0), "got bool; hand a mask over as mask"),
    (dict(labels=LABELS.astype(int) - 1), "labels must be 0 to 2147483647, got -1 to 1"),
    (dict(labels=np.zeros_like(LABELS)), "labels name no object"),
    (dict(labels=LABELS, targets=[3, 1]), "no pixel has the label 3; possible targets: 1, 2"),
    (dict(labels=LABELS, targets=[]), r"targets must be one or more labels, whole numbers above 0, got \[\]"),
    (dict(labels=LABELS, targets=[0]), r"whole numbers above 0, got \[0\]"),
    (dict(labels=LABELS, targets=[1.5]), r"whole numbers above 0, got \[1.5\]"),
    (dict(labels=LABELS, targets=1), "whole numbers above 0, got 1"),
    (dict(labels=LABELS, mask=LABELS > 0), "mask and labels both say"),
    (dict(targets=[1]), r"targets \[1\] are labels, but no label image was given"),
    (dict(per_object=1), "per_object 1 counts grasps of a label, but no label image was given"),
    (dict(labels=LABELS, per_object=0), "per_object must be a whole number of at least 1, got 0"),
]


@pytest.mark.parametrize("arguments, complaint", REFUSED, ids=lambda x: x if isinstance(x, str) else "")
def test_bad_labels_are_refused(arguments, complaint):
    depth, _ = render(TWO)
    with pytest.raises(InputError, match=complaint):
        PLANNER.plan(depth, CAMERA, **arguments)


def test_labels_of_missing_depth_are_refused():
    depth, _ = render(TWO)
    depth[LABELS == 1] = 0
    with pytest.raises(InputError, match=r"depth is missing at all \d+ pixels of the targets"):
        PLANNER.plan(depth, CAMERA, labels=LABELS, targets=[1])


def test_a_planner_on_a_gpu_plans_with_labels_beside_its_graph():
    planner = GraspPlanner(PLANNER.network)
    planner.gpu_planner = RefusesAll()
    depth, _ = render(TWO)
    assert {g.label for g in planner.plan(depth, CAMERA, labels=LABELS)} == {1, 2}
    with pytest.raises(AssertionError, match="the graph was asked"):
        planner.plan(depth, CAMERA)


class RefusesAll:
    """Stands for the graph on a GPU."""

    def plan(self, *_):
        raise AssertionError("the graph was asked")
