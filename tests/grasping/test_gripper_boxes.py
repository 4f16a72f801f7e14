"""The hand as boxes: the same ones are simulated, drawn and shown."""

import numpy as np
import pytest
from scenes import CAMERA

from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.draw import hand_corners
from antipodal.grasping.gripper_boxes import PALM_DEPTH, hand_boxes, in_the_way, jaw_boxes, palm_box

GRIPPER = Gripper(tip=0.004)
WIDTH = 0.04


def test_points_are_in_the_way_where_the_boxes_pass():
    jaw_y = 0.02 + GRIPPER.jaw_thickness / 2
    cases = [([0, jaw_y, -0.01], True), ([0, -jaw_y, -0.01], True), ([0, 0, -0.01], False), ([0, 0, -0.07], True)]
    cases += [([0, jaw_y, 0.0055], False), ([0.02, jaw_y, -0.01], False), ([0, 0.035, -0.01], False)]
    cases += [([0, jaw_y, 0.0045], True), ([0, 0, -0.5], True)]
    points = np.array([point for point, _ in cases], dtype=float)
    np.testing.assert_array_equal(in_the_way(points, GRIPPER, WIDTH, 0.001), [expected for _, expected in cases])


@pytest.mark.parametrize("width", [0.0, 0.03, 0.085])
def test_jaws_mirror_each_other_and_leave_the_opening_free(width):
    left, right = jaw_boxes(GRIPPER, width)
    np.testing.assert_allclose(left.center, right.center * [1, -1, 1])
    np.testing.assert_allclose(left.size, [GRIPPER.jaw_width, GRIPPER.jaw_thickness, GRIPPER.jaw_length])
    assert left.low[1] - right.high[1] == pytest.approx(width) and left.high[2] == GRIPPER.tip


def test_the_palm_lies_behind_the_jaws():
    palm, jaw = palm_box(GRIPPER), jaw_boxes(GRIPPER, WIDTH)[0]
    assert palm.high[2] == jaw.low[2] and palm.size[2] == pytest.approx(PALM_DEPTH)
    np.testing.assert_allclose(palm.size[:2], GRIPPER.palm_size)


def test_the_drawn_jaws_are_the_boxes():
    grasp = Grasp(np.eye(4), WIDTH, 0.5, (CAMERA.cx, CAMERA.cy), 0.0, 0.5)
    for corners, jaw in zip(hand_corners(grasp, GRIPPER), jaw_boxes(GRIPPER, WIDTH)):
        np.testing.assert_allclose(corners.min(axis=0)[:2], jaw.low[:2])
        np.testing.assert_allclose(corners.max(axis=0), jaw.high)


def test_the_simulated_hand_is_the_boxes():
    world = pytest.importorskip("antipodal.sim.world")
    model = world.build_world(GRIPPER, [])
    for name, box in zip(("left", "right", "palm"), hand_boxes(GRIPPER, 0.0)):
        np.testing.assert_allclose(model.geom(name).size, box.size / 2)
        np.testing.assert_allclose(model.geom(name).pos, box.center, atol=1e-12)


def test_the_shown_hand_is_the_boxes():
    messages = pytest.importorskip("antipodal.ros.messages")
    grasp = Grasp(np.eye(4), WIDTH, 0.5, (0.0, 0.0), 0.0, 0.5)
    for marker, box in zip(messages.hand_markers(grasp, GRIPPER, messages.Header()), hand_boxes(GRIPPER, WIDTH)):
        np.testing.assert_allclose([marker.scale.x, marker.scale.y, marker.scale.z], box.size)
        position = marker.pose.position
        np.testing.assert_allclose([position.x, position.y, position.z], box.center, atol=1e-12)
