"""The way of a cup and its body: known cases, and points sampled on the surface."""

import dataclasses

import numpy as np
import pytest
import trimesh

from antipodal import transforms
from antipodal.synth.labels.suction_collision import NO_TABLE, WAY, cup_collides
from tests.suction_shapes import CUP, approach_at, box, down, grasps_at_random, meshes_at_random, moved, surface

FRONT = CUP.length - CUP.travel  # of the body before the surface, when the bellows are drawn in [m]
HALF = CUP.body_size[0] / 2


def hits(meshes, T, cup=CUP, table=NO_TABLE):
    return bool(cup_collides(surface(*meshes), cup, np.asarray(T)[None], table)[0])


def depth_inside(points, T, cup):
    """How far points (N, 3) lie inside the swept parts (N,) [m], negative outside: the larger of cup and body."""
    p = transforms.apply(transforms.invert(T), points)
    back = WAY + cup.body_size[2]
    depths = []
    for across, front in (
        (cup.radius - np.hypot(p[:, 0], p[:, 1]), -cup.travel),
        (np.minimum(cup.body_size[0] / 2 - abs(p[:, 0]), cup.body_size[1] / 2 - abs(p[:, 1])), cup.travel - cup.length),
    ):
        depths.append(np.minimum(across, np.minimum(front - p[:, 2], p[:, 2] - front + back)))
    return np.max(depths, axis=0)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_points_on_the_surface_say(seed):
    """Dense points: where one lies clearly inside there is a collision, where all lie clearly outside there is none."""
    meshes = meshes_at_random(seed, 4)
    T = grasps_at_random(meshes, seed, 60)
    points = trimesh.sample.sample_surface(trimesh.util.concatenate(meshes), 60_000, seed=seed)[0]
    found = cup_collides(surface(*meshes), CUP, T, NO_TABLE)
    deepest = np.array([depth_inside(points, t, CUP).max() for t in T])
    margin = 0.0015
    assert found[deepest > 1e-6].all() and not found[deepest < -margin].any()
    assert (deepest > 1e-6).sum() > 5 and (deepest < -margin).sum() > 5


def test_a_plane_is_free_from_above_and_when_the_cup_leans_a_little():
    assert not hits([box()], down())
    assert not hits([box()], approach_at([0, 0, 0.03], [0.15, 0, -1]))


def test_a_wall_beside_the_body_is_hit_where_it_is_higher_than_the_bodys_front():
    for gap, height, hit in ((-0.001, 0.002, True), (0.001, 0.002, False), (-0.001, -0.002, False)):
        wall = box((0.02, 0.1, 0.03 + FRONT + height), (HALF + gap + 0.01, 0.0))
        assert hits([box((0.1, 0.1, 0.03)), wall], down()) == hit


def test_a_wall_beside_the_cup_is_hit_where_it_rises_more_than_the_bellows_travel():
    for gap, height, hit in ((-0.002, 0.001, True), (-0.002, -0.001, False), (0.001, 0.001, False)):
        wall = box((0.02, 0.1, 0.03 + CUP.travel + height), (CUP.radius + gap + 0.01, 0.0))
        assert hits([box((0.1, 0.1, 0.03)), wall], down()) == hit


def test_what_bridges_over_the_place_is_hit_on_the_way():
    bridge = box((0.2, 0.004, 0.004))
    bridge.apply_translation([0, 0, 0.03 + 0.08])
    assert hits([box(), bridge], down())
    bridge.apply_translation([0, 0, WAY + CUP.body_size[2]])
    assert not hits([box(), bridge], down())


def test_a_face_that_the_prism_crosses_without_a_corner_inside_is_hit():
    sheet = trimesh.Trimesh([[-1, -1, 0.1], [1, -1, 0.1], [0, 2, 0.1]], [[0, 1, 2]])
    assert hits([sheet], down(z=0.03))


@pytest.mark.parametrize("height, hit", [(0.021, False), (0.019, True)])
def test_a_level_body_needs_its_half_width_over_the_table(height, hit):
    """At the end of its way; it comes level, so that the table is as far all the way."""
    T = approach_at([0.05, 0, height], [-1, 0, 0], [0, 1, 0])
    cup = dataclasses.replace(CUP, body_size=(0.04, 0.04, 0.09), radius=0.01)
    assert hits([box((0.1, 0.08, 0.06))], T, cup, np.array([0.0, 0, 1, 0])) == hit


def test_a_cup_does_not_come_from_below_the_table():
    assert hits([box()], approach_at([0, 0, 0.0], [0, 0, 1]), CUP, np.array([0.0, 0, 1, 0]))


def test_a_card_on_the_table_is_free():
    assert not hits([box((0.09, 0.06, 0.0008))], down(z=0.0008), CUP, np.array([0.0, 0, 1, 0]))


def test_it_goes_with_the_object():
    meshes, motion = meshes_at_random(3, 4), moved(5)
    T = grasps_at_random(meshes, 3, 60)
    turned = [m.copy().apply_transform(motion) for m in meshes]
    table = np.array([0.0, 0, 1, -0.01])
    normal = motion[:3, :3] @ table[:3]
    moved_table = np.append(normal, table[3] + normal @ motion[:3, 3])
    before = cup_collides(surface(*meshes), CUP, T, table)
    np.testing.assert_array_equal(before, cup_collides(surface(*turned), CUP, motion @ T, moved_table))
    assert 0 < before.mean() < 1
