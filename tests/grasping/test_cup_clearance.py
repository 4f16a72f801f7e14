from dataclasses import replace

import numpy as np
import pytest
from scenes import CAMERA, OVERHEAD, box, overhead, render

from antipodal import transforms
from antipodal.errors import InputError
from antipodal.grasping.cup_clearance import (
    CupClearanceOptions,
    cup_body,
    cup_is_free,
    cup_swept,
    obstacle_points,
)
from antipodal.networks.suction_crops import suction_axes
from antipodal.perception.fusion import CameraView
from antipodal.perception.scene import perceive
from antipodal.suction_cup import SuctionCup

CUP = SuctionCup("cup", 0.010, 0.030, 0.006, 300.0, 12.0, 0.5, (0.06, 0.04, 0.1))
OPTIONS = CupClearanceOptions()


def seen(boxes, T=OVERHEAD):
    """Obstacles and support of a picture of boxes."""
    depth, mask = render(boxes, T_cam_table=T)
    scene = perceive(depth, CAMERA)
    return obstacle_points([CameraView(depth, mask, CAMERA, np.eye(4))], scene.support, OPTIONS), scene.support


def grasp_at(point, approach, T=OVERHEAD):
    """Grasps (1, 4, 4) at a point of the table's frame with an approach in it."""
    way = T[:3, :3] @ np.asarray(approach, float)
    return transforms.compose(suction_axes(way), (T @ [*point, 1])[None, :3])


def test_a_box_alone_is_reached_from_above():
    obstacles, support = seen([box((0, 0), (0.06, 0.06, 0.05))])
    assert cup_is_free(grasp_at((0, 0, 0.05), (0, 0, -1)), CUP, obstacles, support).all()


@pytest.mark.parametrize("gap, height, free", [(0.04, 0.12, True), (0.02, 0.12, False), (0.02, 0.065, True)])
def test_a_neighbour_is_in_the_bodys_way_where_it_is_near_and_high(gap, height, free):
    obstacles, support = seen([box((0, 0), (0.03, 0.03, 0.05)), box((gap + 0.01, 0), (0.02, 0.1, height))])
    assert cup_is_free(grasp_at((0, 0, 0.05), (0, 0, -1)), CUP, obstacles, support)[0] == free


def test_the_support_stands_in_the_way_of_the_body_though_it_is_not_seen():
    """From the side, low: the body would reach below the support; higher up it does not."""
    _, support = seen([box((0, 0), (0.06, 0.06, 0.15))])
    nothing = np.empty((0, 3), np.float32)
    low, high = (grasp_at((0.03, 0, z), (-1, 0, 0)) for z in (0.015, 0.08))
    assert not cup_is_free(low, CUP, nothing, support)[0] and cup_is_free(high, CUP, nothing, support)[0]
    assert not cup_is_free(grasp_at((0.03, 0, 0.08), (-1, 0, 0.2)), CUP, nothing, support)[0]


def test_the_support_stands_in_the_way_of_the_lip_where_the_body_is_narrower():
    _, support = seen([box((0, 0), (0.06, 0.06, 0.15))])
    thin, nothing = replace(CUP, radius=0.03, body_size=(0.01, 0.01, 0.1)), np.empty((0, 3), np.float32)
    low, high = (grasp_at((0.03, 0, z), (-1, 0, 0)) for z in (0.02, 0.04))
    assert not cup_is_free(low, thin, nothing, support)[0] and cup_is_free(high, thin, nothing, support)[0]
    assert cup_is_free(grasp_at((0, 0, 0.002), (0, 0, -1)), thin, nothing, support).all()


@pytest.mark.parametrize("travel", [0.0005, 0.002])
def test_noise_under_the_lip_is_no_obstacle_to_a_cup_of_little_travel(travel):
    rng, free = np.random.default_rng(0), []
    cup = replace(CUP, travel=travel, radius=0.016)
    for _ in range(10):
        depth, mask = render([box((0, 0), (0.06, 0.06, 0.05))])
        depth = (depth + rng.normal(0, 0.001, depth.shape)).astype(np.float32)
        support = perceive(depth, CAMERA).support
        obstacles = obstacle_points([CameraView(depth, mask, CAMERA, np.eye(4))], support, OPTIONS)
        free.append(cup_is_free(grasp_at((0, 0, 0.05), (0, 0, -1)), cup, obstacles, support)[0])
    assert np.mean(free) >= 0.5


@pytest.mark.parametrize("wrong", [{"beside": -0.1}, {"block": 0.0}, {"noises": -1.0}, {"ignored": float("nan")}])
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match=rf"clearance.*{next(iter(wrong))}"):
        CupClearanceOptions(**wrong)


def test_no_support_nothing_seen_nothing_in_the_way():
    assert cup_is_free(grasp_at((0, 0, 0), (0, 0, 1)), CUP, np.empty((0, 3), np.float32), None).all()


def test_a_surface_may_rise_by_the_travel_under_the_lip():
    for rise, free in [(0.004, True), (0.008, False)]:
        point = (grasp_at((0.004, 0, 0.05 + rise), (0, 0, -1))[0, :3, 3])[None].astype(np.float32)
        assert cup_is_free(grasp_at((0, 0, 0.05), (0, 0, -1)), CUP, point, None)[0] == free


def test_the_compiled_kernel_equals_its_twin():
    rng = np.random.default_rng(0)
    boxes = [box(rng.uniform(-0.1, 0.1, 2), rng.uniform(0.02, 0.1, 3), rng.uniform(0, 3)) for _ in range(8)]
    obstacles, _ = seen(boxes, overhead(0.3))
    approach = rng.normal(size=(300, 3)) * 0.5 + [[0, 0, 1.0]]
    approach /= np.linalg.norm(approach, axis=1, keepdims=True)
    T = transforms.compose(suction_axes(approach), obstacles[rng.integers(0, len(obstacles), 300)].astype(float))
    points = np.einsum("nij,nkj->nki", transforms.invert(T)[:, :3, :3], obstacles[None] - T[:, None, :3, 3])
    plain = ~cup_swept(points, CUP, OPTIONS.beside).any(axis=1)
    compiled = cup_is_free(T, CUP, obstacles, None)
    assert 20 < plain.sum() < 280 and (compiled == plain).mean() > 0.99


def test_every_pixel_is_in_front_of_or_at_a_point_of_its_block():
    depth, mask = render([box((0, 0), (0.06, 0.06, 0.05))])
    points = obstacle_points([CameraView(depth, mask, CAMERA, np.eye(4))], None, OPTIONS)
    assert len(points) < depth.size / 4 and points[:, 2].min() == pytest.approx(depth.min())


def test_the_pressed_body_is_nearer_by_the_travel():
    assert cup_body(CUP, pressed=True).high[2] - cup_body(CUP).high[2] == pytest.approx(CUP.travel)
    np.testing.assert_allclose(cup_body(CUP).size, CUP.body_size)
