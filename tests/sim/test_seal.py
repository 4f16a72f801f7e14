"""Seals whose answer is known: planes, edges, holes, spheres, cylinders, a groove, and the ring's own arithmetic."""

import numpy as np
import pytest
import trimesh
from scipy.optimize import minimize

from antipodal.sim.seal import MISSED, NO_SEAL, SEALED, SealOptions, greatest_gap, seal_on, stiff_ring, surface_under
from antipodal.suction_cup import SuctionCup

CUP = SuctionCup("cup", 0.015, 0.03, 0.01, 1200.0, 24.0, 0.5, (0.04, 0.04, 0.08))
TURN = 2 * np.pi * np.arange(64) / 64


def pressed_on(*meshes, by=0.003):
    """The seal on meshes in a frame whose z points along the approach and whose z = 0 is where the cup would touch."""
    triangles = np.concatenate([mesh.triangles for mesh in meshes]) - [0, 0, by]
    owners = np.repeat(np.arange(len(meshes)), [len(mesh.faces) for mesh in meshes])
    return seal_on(CUP, triangles, owners)


def slab(x=0.1, y=0.1, at=(0, 0), thick=0.02, tilt=0.0):
    mesh = trimesh.creation.box((x, y, thick))
    mesh.apply_translation([*at, thick / 2])
    return mesh.apply_transform(trimesh.transformations.rotation_matrix(tilt, [0, 1, 0]))


def lying(radius):
    """A cylinder that lies along x and is touched at the origin."""
    mesh = trimesh.creation.cylinder(radius, 0.2, sections=360)
    mesh.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, [0, 1, 0]))
    return mesh.apply_translation([0, 0, radius])


def test_a_plane_seals_and_one_out_of_reach_is_missed():
    assert pressed_on(slab()) == (SEALED, 0, pytest.approx(0.0, abs=1e-9))
    assert pressed_on(slab(), by=-0.0003).state == SEALED  # nearer than the gap that is tight: it is drawn on
    assert pressed_on(slab(), by=-0.001).state == MISSED
    assert pressed_on(slab(), by=CUP.travel + 0.001).state == NO_SEAL


@pytest.mark.parametrize("tilt, state", [(0.1, SEALED), (0.2, SEALED), (0.4, NO_SEAL)])
def test_bellows_tilt_as_far_as_their_travel(tilt, state):
    assert pressed_on(slab(tilt=tilt), by=0.005).state == state  # 30 mm across rise by 3, 6 and 12.7 mm; travel is 10


@pytest.mark.parametrize("share, state", [(0.98, NO_SEAL), (1.02, SEALED)])
def test_an_edge_may_come_as_near_as_the_lip(share, state):
    assert pressed_on(slab(at=(share * CUP.radius - 0.05, 0))).state == state


def test_a_hole_inside_the_lip_leaks_and_a_dent_does_not():
    plate = [slab(0.05, 0.1, at=(s * 0.029, 0)) for s in (-1, 1)]
    plate += [slab(0.008, 0.05, at=(0, s * 0.029)) for s in (-1, 1)]
    hole = trimesh.util.concatenate(plate)  # 8 x 8 mm in its middle
    assert pressed_on(hole).state == NO_SEAL
    floor = slab(0.008, 0.008).apply_translation([0, 0, 0.004])
    assert pressed_on(trimesh.util.concatenate([hole, floor])).state == SEALED


def test_two_objects_side_by_side_do_not_seal_and_one_body_of_two_parts_does():
    left, right = slab(0.1, 0.1, at=(-0.05, 0)), slab(0.1, 0.1, at=(0.05, 0))
    assert pressed_on(left, right).state == NO_SEAL
    assert pressed_on(trimesh.util.concatenate([left, right])).state == SEALED


@pytest.mark.parametrize("radius, state", [(0.014, MISSED), (0.018, NO_SEAL), (0.03, SEALED), (0.1, SEALED)])
def test_a_sphere_must_be_larger_than_the_lip(radius, state):
    ball = trimesh.creation.icosphere(5, radius).apply_translation([0, 0, radius])
    assert pressed_on(ball, by={0.014: 0.008, 0.018: 0.009}.get(radius, 0.006)).state == state


@pytest.mark.parametrize("share", [0.3, 0.98, 1.02, 2.0])
def test_the_vacuum_bends_the_lip_into_two_waves_of_a_known_height(share):
    """Two waves round the ring are ten times as stiff as the bellows: the vacuum's force and the bellows, pressed by c,
    bend it fully where 10 a <= F / k + c."""
    pressed = 0.005
    wave = share * (CUP.force / CUP.stiffness + pressed) / 10
    gap = greatest_gap(wave * np.cos(2 * TURN) - pressed, CUP)
    assert (gap < 1e-9) == (share < 1)


def test_a_lying_cylinder_seals_if_it_is_thick():
    states = [pressed_on(lying(R), by=0.007).state for R in (0.018, 0.02, 0.026, 0.05)]
    assert states == [NO_SEAL, NO_SEAL, SEALED, SEALED]


def test_the_gap_is_that_of_the_least_energy():
    rng = np.random.default_rng(0)
    K, _ = stiff_ring(64, CUP.stiffness, SealOptions().bending)
    for _ in range(5):
        waves = rng.normal(0, [[0.002], [0.002], [0.001], [0.0004], [0.0002]], (5, 2))
        height = -0.005 + sum(a * np.cos(k * TURN) + b * np.sin(k * TURN) for k, (a, b) in enumerate(waves, start=1))
        height = np.maximum(height, -CUP.travel)
        assert greatest_gap(height, CUP) == pytest.approx((height - least_energy(K, height)).max(), abs=2e-5)


def least_energy(K, height):
    """The lip on these heights by another method, in millimetres, which suit the minimiser."""
    K, limit, load = K * 1e-3, np.minimum(height, 0) * 1e3, np.full(64, CUP.force / 64)
    found = minimize(
        lambda u: (u @ K @ u / 2 - load @ u, K @ u - load),
        limit - 0.1,
        jac=True,
        bounds=[(None, x) for x in limit],
        options={"maxiter": 20000, "maxfun": 100000, "ftol": 1e-15, "gtol": 1e-9},
    )
    return found.x * 1e-3


def test_a_narrow_groove_under_the_lip_stays_open_and_a_deeper_one_more():
    gaps = []
    for depth in (0.0002, 0.001, 0.003):
        height = np.full(64, -0.004)
        height[10:12] += depth
        gaps.append(greatest_gap(height, CUP))
    assert gaps == sorted(gaps) and gaps[0] < SealOptions().leak < gaps[1]
    assert all(gap > 0.7 * depth for gap, depth in zip(gaps, (0.0002, 0.001, 0.003)))


def test_a_ring_that_is_moved_or_tilted_bends_nothing():
    K, root = stiff_ring(64, 1200.0, 1.0)
    np.testing.assert_allclose(root @ root, K, atol=1e-6)
    assert np.ones(64) @ K @ np.ones(64) == pytest.approx(1200.0)
    assert np.cos(TURN) @ K @ np.cos(TURN) == pytest.approx(1200.0 / 2)
    assert np.cos(2 * TURN) @ K @ np.cos(2 * TURN) == pytest.approx(10 * 1200.0 / 2)


def test_heights_are_where_the_rays_enter_the_hull():
    mesh = trimesh.creation.icosphere(3, 0.02)
    mesh.apply_transform(trimesh.transformations.rotation_matrix(0.3, [1, 2, 3]))  # no face stands along the rays
    xy = np.random.default_rng(1).uniform(-0.02, 0.02, (200, 2))
    height, owner = surface_under(mesh.triangles, np.zeros(len(mesh.faces), int), xy, -1.0)
    faces, offsets = (
        mesh.face_normals,
        (mesh.face_normals * mesh.triangles[:, 0]).sum(axis=1),
    )  # half-spaces of the hull
    reach = (offsets - xy @ faces[:, :2].T) / faces[:, 2]
    enter, leave = np.where(faces[:, 2] < 0, reach, -1.0).max(axis=1), np.where(faces[:, 2] > 0, reach, 1.0).min(axis=1)
    np.testing.assert_array_equal(owner, np.where(enter < leave, 0, -1))
    np.testing.assert_allclose(height[owner == 0], enter[owner == 0], atol=1e-9)
    assert 30 < (owner == 0).sum() < 200
