"""Several views are planned in as one: more is seen, what one sees through is free, and they must agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import TOUCHING, TWO, apart, labels_of, turned, view_of_boxes
from scenes import CAMERA, box, overhead, render

from antipodal import resources, transforms
from antipodal.errors import InputError, NoGraspFound
from antipodal.perception.agreement import disagreement
from antipodal.perception.fusion import CameraView, carved
from antipodal.perception.hints import FrameHints
from antipodal.planner import GraspPlanner

PLANNER = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
TILTS = (0.1, 0.5, -0.5)
VIEWS = [view_of_boxes(TWO, tilt) for tilt in TILTS]


def shifted(view, by):
    depth, camera, pose = view
    return depth, camera, transforms.compose(np.eye(3), np.asarray(by, float)) @ pose


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), tilt=st.floats(-0.5, 0.5), copies=st.integers(1, 3))
def test_a_view_given_several_times_changes_nothing(seed, tilt, copies):
    view = view_of_boxes(TWO, tilt)
    plan = PLANNER.plan(*view[:2], seed=seed)
    many = PLANNER.plan_views([view, *[tuple(map(np.copy, view[:1])) + view[1:]] * copies], seed=seed)
    assert apart(plan, many, view[2]) < 1e-9
    assert [g.quality for g in many] == [g.quality for g in plan]


def test_a_nearly_equal_view_changes_next_to_nothing():
    other = (VIEWS[0][0], CAMERA, VIEWS[0][2] + 0.0)
    other[2][:3, 3] += 1e-6
    one, two = PLANNER.plan_views(VIEWS[:1]), PLANNER.plan_views([VIEWS[0], other])
    assert abs(one[0].quality - two[0].quality) < 0.01


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_frame_of_the_poses_does_not_matter(seed):
    T = turned(seed)
    plan = PLANNER.plan_views(VIEWS, seed=seed)
    moved = PLANNER.plan_views([(d, c, T @ pose) for d, c, pose in VIEWS], seed=seed)
    assert abs(plan[0].quality - moved[0].quality) < 0.02
    np.testing.assert_allclose((T @ plan[0].T_cam_grasp)[:3, 2], moved[0].T_cam_grasp[:3, 2], atol=1e-3)


def test_grasps_are_in_the_frame_of_the_poses_and_straight_down():
    plan = PLANNER.plan_views(VIEWS, hints=FrameHints(up=(0, 0, 1), table=(0, 0, 1, 0)))
    for grasp in plan:
        np.testing.assert_allclose(grasp.T_cam_grasp[:3, 2], [0, 0, -1], atol=0.01)
        assert min(np.hypot(*(grasp.T_cam_grasp[:2, 3] - T[:2, 3])) for T, _ in TWO) < 0.05
        assert 0 < grasp.T_cam_grasp[2, 3] < 0.06
    seen = plan.in_camera()
    np.testing.assert_allclose(CAMERA.project(seen[0].T_cam_grasp[:3, 3]), seen[0].center_px, atol=1e-3)


def test_what_another_camera_sees_is_an_obstacle_though_the_first_one_cannot_see_it():
    """A low box behind a high wall, which hides it from the first camera."""
    wall, low = box((0.0, -0.03), (0.2, 0.02, 0.12)), box((0.0, 0.03), (0.05, 0.05, 0.05))
    front, back = view_of_boxes([wall, low], -1.1), view_of_boxes([wall, low], 0.5)
    hidden = labels_of([wall, low], overhead(-1.1)) == 2
    assert not hidden.any()
    hints = FrameHints(up=(0, 0, 1))
    fused = PLANNER.plan_views([front, back], hints=hints, max_grasps=30)
    T_box_table = transforms.invert(low[0])
    gripper = PLANNER.gripper
    on_low = 0
    for grasp in fused:
        for side in (-1, 1):
            tip = grasp.T_cam_grasp @ [0, side * (grasp.width / 2 + gripper.jaw_thickness / 2), gripper.tip, 1]
            assert not (np.abs((T_box_table @ tip)[:3]) < low[1] - 0.002).all(), "a jaw in the hidden box"
        on_low += bool((np.abs((T_box_table @ grasp.T_cam_grasp[:, 3])[:2]) < low[1][:2]).all())
    assert on_low, "and the hidden box may be grasped"


def test_what_one_camera_sees_through_is_no_surface():
    first, second = (
        CameraView(d, np.zeros(d.shape, bool), c, transforms.invert(VIEWS[0][2]) @ pose) for d, c, pose in VIEWS[:2]
    )
    floating = second.depth.copy()
    floating[100:104, 160:164] -= 0.05  # in the air over the table
    kept = carved(CameraView(floating, second.graspable, CAMERA, second.T_first_cam), [first]).depth
    assert not kept[100:104, 160:164].any()
    kept[100:104, 160:164] = second.depth[100:104, 160:164]
    assert (kept != second.depth).mean() < 0.01


def camera_views(noise=0.0, by=(0.0, 0.0, 0.0)):
    rng = np.random.default_rng(0)
    found = []
    for i, tilt in enumerate(TILTS[:2]):
        depth, mask = render(TWO, T_cam_table=overhead(tilt))
        depth = depth + np.float32(noise) * rng.normal(size=depth.shape).astype(np.float32)
        pose = shifted((depth, CAMERA, VIEWS[i][2]), by)[2] if i else VIEWS[i][2]
        found.append(CameraView(depth, mask, CAMERA, transforms.invert(VIEWS[0][2]) @ pose))
    return found


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.002])
def test_it_is_measured_how_far_cameras_are_apart(noise):
    assert disagreement(*camera_views(noise)) < 0.0025
    for height in (0.003, 0.008, 0.015):
        assert disagreement(*camera_views(noise, (0, 0, height))) == pytest.approx(height, abs=0.0015 + 0.3 * height)
    for aside in (0.012, 0.025):
        assert 0.4 * aside < disagreement(*camera_views(noise, (aside, 0, 0))) <= 1.3 * aside
    assert disagreement(*camera_views(noise, (0, 0, 0.4))) is None


def test_views_that_disagree_are_refused_with_by_how_much():
    with pytest.raises(InputError, match=r"view 2 disagrees with view 1 by 1\d\.\d mm, 5 allowed"):
        PLANNER.plan_views([VIEWS[0], shifted(VIEWS[1], (0, 0, 0.012))])
    with pytest.raises(InputError, match=r"view 3 disagrees with view 1 by \d+\.\d mm"):
        PLANNER.plan_views([*VIEWS[:2], shifted(VIEWS[2], (0.03, 0, 0))])
    with pytest.raises(InputError, match="view 2 shows no surface that view 1 shows too"):
        PLANNER.plan_views([VIEWS[0], shifted(VIEWS[1], (0, 0, 0.5))])


def test_several_views_take_labels():
    labels = [labels_of(TOUCHING, overhead(tilt)) for tilt in TILTS]
    views = [(*view_of_boxes(TOUCHING, tilt), None, one) for tilt, one in zip(TILTS, labels)]
    plan = PLANNER.plan_views(views, targets=[2])
    assert {g.label for g in plan} == {2}


MASK = np.ones((240, 320), bool)
REFUSED = [
    ([], "1 to 8 views can be planned in, got 0"),
    (None, "1 to 8 views can be planned in, got NoneType"),
    (VIEWS * 3, "1 to 8 views can be planned in, got 9"),
    ([VIEWS[0][:2]], r"must be a tuple \(depth, camera, pose\)"),
    ([(*VIEWS[0][:2], np.eye(3))], r"the pose of view 1 must be a rigid transform"),
    ([VIEWS[0], (*VIEWS[1][:2], 2 * np.eye(4))], r"the pose of view 2 must be a rigid transform"),
    ([VIEWS[0], (*VIEWS[1][:2], np.diag([1.0, 1, -1, 1]))], r"the pose of view 2 must be a rigid transform"),
    ([VIEWS[0], (*VIEWS[1], MASK)], "mask must come with every view or with none, got 1 of 2"),
    ([VIEWS[0], (VIEWS[1][0][1:], *VIEWS[1][1:])], "depth is 320 x 239 pixels"),
]


@pytest.mark.parametrize("views, complaint", REFUSED, ids=lambda x: x if isinstance(x, str) else "")
def test_what_are_no_views_is_refused(views, complaint):
    with pytest.raises(InputError, match=complaint):
        PLANNER.plan_views(views)


def test_an_empty_table_is_no_grasp():
    views = [view_of_boxes([], tilt) for tilt in TILTS]
    with pytest.raises(NoGraspFound, match="nothing stands above the table"):
        PLANNER.plan_views(views)
