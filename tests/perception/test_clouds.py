"""A cloud is planned in like the depth image that it was made of, whatever frame it is in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import TWO, apart, points_of, turned
from scenes import CAMERA, box, overhead, render

from antipodal import resources, transforms
from antipodal.camera import Camera
from antipodal.errors import InputError, NoGraspFound
from antipodal.perception.clouds import cloud_view
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner

PLANNER = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
DEPTH, _ = render(TWO, T_cam_table=overhead(0.3))
POINTS = points_of(DEPTH)
LOOSE = POINTS.reshape(-1, 3).astype(float)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), tilt=st.floats(-0.5, 0.5), missing=st.floats(0, 0.2))
def test_an_organised_cloud_gives_the_plan_of_its_depth_image(seed, tilt, missing):
    rng = np.random.default_rng(seed)
    depth, _ = render([box(rng.uniform(-0.05, 0.05, 2), rng.uniform(0.02, 0.07, 3), 1.0)], T_cam_table=overhead(tilt))
    depth[rng.random(depth.shape) < missing] = 0
    try:
        plan = PLANNER.plan(depth, CAMERA, seed=seed)
    except NoGraspFound:
        with pytest.raises(NoGraspFound):
            PLANNER.plan_cloud(points_of(depth), seed=seed)
        return
    for cloud in (
        PLANNER.plan_cloud(points_of(depth), seed=seed),
        PLANNER.plan_cloud(points_of(depth), (0, 0, 0), CAMERA, seed=seed),
    ):
        assert apart(plan, cloud) < 1e-9
        assert [g.quality for g in cloud] == [g.quality for g in plan]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_cloud_turned_with_its_viewpoint_gives_the_turned_plan(seed):
    T = turned(seed)
    plan = PLANNER.plan_cloud(LOOSE, seed=seed)
    moved = PLANNER.plan_cloud(transforms.apply(T, LOOSE), T[:3, 3], seed=seed)
    assert apart(plan, moved, T) < 1e-6
    np.testing.assert_allclose([g.center_px for g in plan], [g.center_px for g in moved], atol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_the_camera_of_an_organised_cloud_is_found_in_any_frame(seed):
    T = turned(seed)
    view = cloud_view(transforms.apply(T, POINTS.reshape(-1, 3).astype(float)).reshape(POINTS.shape), T[:3, 3])
    np.testing.assert_allclose(view.T_frame_cam, T, atol=1e-6)
    np.testing.assert_allclose(list(view.camera.to_dict().values()), list(CAMERA.to_dict().values()), atol=1e-3)
    np.testing.assert_allclose(view.depth, DEPTH, atol=1e-6)
    plan = PLANNER.plan(DEPTH, CAMERA).grasps[0]
    found = PLANNER.plan_cloud(transforms.apply(T, LOOSE).reshape(POINTS.shape), T[:3, 3])[0]
    assert abs(found.quality - plan.quality) < 0.05
    np.testing.assert_allclose(
        found.T_cam_grasp[:3, 2], (T @ plan.T_cam_grasp)[:3, 2], atol=0.01
    )  # down onto the table


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
def test_loose_points_become_surfaces_without_holes_that_hide_what_is_behind(share):
    rng = np.random.default_rng(0)
    behind = LOOSE[rng.random(len(LOOSE)) < 0.3] * 1.2  # points under the table, which it hides
    points = np.concatenate([LOOSE[rng.random(len(LOOSE)) < share], behind])
    view = cloud_view(rng.permutation(points))
    u, v = np.mgrid[3 : view.camera.width - 3, 3 : view.camera.height - 3]
    depth = view.depth[v, u].T
    assert (depth == 0).mean() < 0.06
    ways = view.camera.deproject(np.stack([u, v], axis=-1), np.ones(u.shape)) @ view.T_frame_cam[:3, :3].T
    px = CAMERA.project(ways.reshape(-1, 3)).reshape(*u.shape, 2)
    column, row = np.rint(px).astype(int).clip(0, [CAMERA.width - 1, CAMERA.height - 1]).T
    expected = DEPTH[row, column] / ways[..., 2].T
    wrong = np.abs(depth - expected)[depth > 0] > 0.02
    assert wrong.mean() < 0.06, "neither holes nor what lies behind"


def test_loose_points_find_the_same_best_object():
    rng = np.random.default_rng(1)
    for share in (1.0, 0.4):
        plan = PLANNER.plan_cloud(LOOSE[rng.random(len(LOOSE)) < share])
        assert plan[0].quality > 0.9
        T_table_grasp = transforms.invert(overhead(0.3)) @ plan[0].T_cam_grasp
        assert min(np.hypot(*(T_table_grasp[:2, 3] - T[:2, 3])) for T, _ in TWO) < 0.04
        assert T_table_grasp[2, 2] < -0.99


def test_what_is_known_of_the_scene_is_in_the_frame_of_the_cloud():
    T = turned(3)
    T_cloud_table = T @ overhead(0.3)
    up, points = T_cloud_table[:3, 2], transforms.apply(T, LOOSE)
    table = (*up, float(up @ T_cloud_table[:3, 3]))
    corner = T_cloud_table[:3, 3]
    plan = PLANNER.plan_cloud(points, T[:3, 3], hints=SceneHints(up=up, table=table))
    assert all(np.abs(g.T_cam_grasp[:3, 2] + up).max() < 1e-3 for g in plan)
    first = plan[0].T_cam_grasp[:3, 3]
    box_round = (*(first - 0.03), *(first + 0.03))
    inside = PLANNER.plan_cloud(points, T[:3, 3], hints=SceneHints(workspace=box_round))
    assert all(np.abs(g.T_cam_grasp[:3, 3] - first).max() < 0.08 for g in inside)
    with pytest.raises(NoGraspFound):
        PLANNER.plan_cloud(points, T[:3, 3], hints=SceneHints(workspace=(*(corner + 3), *(corner + 4))))
    again = PLANNER.plan_cloud(points, T[:3, 3], start=plan.grasps[:1])
    assert again[0].quality >= plan[0].quality - 0.02


def test_a_plan_goes_to_its_camera_and_back():
    T = turned(4)
    plan = PLANNER.plan_cloud(transforms.apply(T, LOOSE), T[:3, 3])
    seen = plan.in_camera()
    for g in seen:
        np.testing.assert_allclose(plan.camera.project(g.T_cam_grasp[:3, 3]), g.center_px, atol=1e-3)
    assert apart(seen, plan, plan.T_frame_cam) < 1e-9
    assert len(seen.candidates) == len(plan.candidates)


def all_around():
    return 0.5 * np.random.default_rng(0).normal(size=(2000, 3))


REFUSED = {
    "an empty cloud": (np.zeros((0, 3)), (0, 0, 0), "the cloud is empty: none of its 0 points"),
    "nothing finite": (np.full((50, 50, 3), np.nan), (0, 0, 0), "none of its 2500 points is finite"),
    "millimetres": (1000 * LOOSE, (0, 0, 0), "is it in millimetres"),
    "kilometres": (LOOSE / 1000, (0, 0, 0), "0.05 to 10 m: is it in other units"),
    "whole numbers": (LOOSE.astype(int), (0, 0, 0), "floats in metres, got int64"),
    "a list": ([[0.0, 0.0, 1.0]], (0, 0, 0), "got list"),
    "two columns": (LOOSE[:, :2], (0, 0, 0), r"\(height, width, 3\) or \(N, 3\), got \(76800, 2\)"),
    "few points": (LOOSE[:50], (0, 0, 0), "has 50 points"),
    "another viewpoint": (POINTS, (0.3, 0, 0), r"not the pixels of a camera at \(0.3, 0, 0\)"),
    "another frame": (
        transforms.apply(turned(1), LOOSE).reshape(POINTS.shape),
        (0, 0, 0),
        "not the pixels of a camera",
    ),
    "a mirror image": (POINTS[:, ::-1], (0, 0, 0), "not the pixels of a camera"),
    "an origin inside": (all_around(), (0, 0, 0), "the viewpoint lies within the cloud"),
    "a bad viewpoint": (LOOSE, (0, np.nan, 0), "viewpoint must be three finite numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_cloud_of_that_sensor_is_refused(name):
    points, viewpoint, complaint = REFUSED[name]
    with pytest.raises(InputError, match=complaint):
        PLANNER.plan_cloud(points, viewpoint)


@pytest.mark.parametrize("wrong", ["abc", {}, 1.5, np.zeros((2, 2))], ids=lambda v: type(v).__name__)
def test_a_viewpoint_or_a_camera_that_is_none_is_refused(wrong):
    with pytest.raises(InputError, match="viewpoint must be three finite numbers"):
        cloud_view(POINTS, wrong)
    with pytest.raises(InputError, match="camera must be a Camera"):
        cloud_view(POINTS, camera=wrong)


def test_points_that_are_masked_out_are_missing():
    out = np.zeros(POINTS.shape, bool)
    out[::7] = True
    clouds = np.ma.array(POINTS, mask=out), np.where(out, np.float32(np.nan), POINTS)
    views = [cloud_view(cloud, camera=CAMERA) for cloud in clouds]
    np.testing.assert_array_equal(views[0].depth, views[1].depth)
    assert not views[0].depth[::7].any()


def test_a_camera_that_did_not_take_the_cloud_is_refused():
    other = Camera(600.0, 600.0, 159.5, 119.5, 320, 240)
    with pytest.raises(InputError, match=r"not what this camera sees: its points are \d+"):
        PLANNER.plan_cloud(POINTS, camera=other)
    with pytest.raises(InputError, match=r"seen from \(0, 0, 0\), got the viewpoint \(0.1, 0, 0\)"):
        PLANNER.plan_cloud(LOOSE, (0.1, 0, 0), CAMERA)
