"""The cloud is coloured by what the planner took each pixel for, and the drawn hand is the planned one."""

import numpy as np
import pytest
from scenes import CAMERA, box, render

from antipodal import transforms
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.gripper_boxes import hand_boxes
from antipodal.perception.coloured_cloud import make_cloud, sheet
from antipodal.perception.hints import SceneHints
from antipodal.perception.pixel_kinds import KINDS, kinds_of
from antipodal.perception.scene import perceive
from antipodal.viewer.shapes import fork_bars, forks, hand_solids, nearest_to_ray

LOW, HIGH = box((0.0, 0.0), (0.06, 0.04, 0.05)), box((0.12, 0.0), (0.04, 0.04, 0.40))
NAMES = list(KINDS)


def grasp_at(x, y, z=0.65, quality=0.8, width=0.06):
    T = transforms.compose(np.eye(3), np.array([x, y, z]))
    return Grasp(T, width, quality, tuple(CAMERA.project(T[:3, 3])), 0.0, z)


@pytest.fixture(scope="module")
def seen():
    depth, mask = render([LOW, HIGH])
    depth[:10, :10] = 0
    return perceive(depth, CAMERA), mask


def test_kinds_are_the_scenes(seen):
    scene, mask = seen
    kinds = kinds_of(scene, CAMERA)
    assert ((kinds == NAMES.index("graspable")) == scene.graspable).all()
    assert (kinds[:10, :10] == NAMES.index("unseen")).all()
    assert (kinds[~mask & (scene.depth > 0)] == NAMES.index("support")).mean() > 0.99
    assert (kinds[120, 265:275] == NAMES.index("dropped")).all()  # the high one is no target


def test_what_is_told_to_be_no_target_is_an_obstacle_not_dropped(seen):
    scene, mask = seen
    robot = np.zeros(mask.shape, bool)
    robot[:, 260:] = True
    for told in (perceive(scene.depth, CAMERA, hints=SceneHints(robot=robot)), perceive(scene.depth, CAMERA, ~robot)):
        assert (kinds_of(told, CAMERA)[120, 265:275] == NAMES.index("obstacle")).all()


def test_every_kind_has_a_colour_of_its_own():
    colours = np.array([colour for colour, _ in KINDS.values()], float)
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2) + 1e3 * np.eye(len(colours))
    assert apart.min() > 60


def test_points_lie_where_the_image_saw_them(seen):
    scene, _ = seen
    cloud = make_cloud(scene, CAMERA)
    px = CAMERA.project(cloud.points)
    assert len(px) == scene.depth.size and np.allclose(px, np.round(px), atol=1e-3)
    unseen = cloud.points[cloud.kinds == NAMES.index("unseen")]
    assert len(unseen) == 100 and np.allclose(scene.support.height(unseen), 0, atol=1e-4)
    assert np.allclose(scene.support.height(sheet(scene, CAMERA)), -0.002, atol=1e-6)


def test_a_large_image_is_thinned(seen):
    scene, _ = seen
    assert make_cloud(scene, CAMERA).pitch == pytest.approx(0.7 / 525, rel=0.05)


def test_the_hand_is_drawn_at_true_size():
    gripper, grasp = Gripper(tip=0.004), grasp_at(0.02, -0.01)
    for solid, planned in zip(hand_solids(grasp, gripper), hand_boxes(gripper, grasp.width)):
        assert np.allclose(solid.size, planned.size)
        assert np.allclose(solid.T[:3, 3], grasp.T_cam_grasp[:3, 3] + planned.center)


def test_forks_and_bars_span_the_opening():
    gripper, grasp = Gripper(), grasp_at(0.0, 0.0)
    lines, colours = forks([grasp], gripper)
    assert lines.shape == colours.shape == (3, 2, 3)
    assert np.linalg.norm(lines[1, 0] - lines[1, 1]) == pytest.approx(grasp.width, abs=1e-6)
    assert np.allclose(fork_bars([grasp], gripper)[0][0], lines[1])
    assert forks([], gripper)[0].shape == fork_bars([], gripper)[0].shape == (0, 2, 3)


def test_a_click_chooses_the_grasp_under_it():
    gripper, grasps = Gripper(), [grasp_at(-0.1, 0.0), grasp_at(0.1, 0.0)]
    eye = np.zeros(3)
    assert nearest_to_ray(grasps, gripper, eye, np.array([0.1, 0.001, 0.64])) == 1
    assert nearest_to_ray(grasps, gripper, eye, np.array([-0.1, 0.001, 0.64])) == 0
    assert nearest_to_ray(grasps, gripper, eye, np.array([0.0, 0.3, 0.64])) == -1
    assert nearest_to_ray(grasps, gripper, eye, np.array([-0.1, 0.0, -0.64])) == -1  # behind the eye
    assert nearest_to_ray([], gripper, eye, np.array([0.0, 0.0, 1.0])) == -1
