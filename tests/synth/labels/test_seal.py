"""The ring of springs on known surfaces, and against one ray at a time."""

import dataclasses

import numpy as np
import pytest
import trimesh

from antipodal import transforms
from antipodal.synth.labels.near_surface import BEYOND, surface_of
from antipodal.synth.labels.seal import INSIDE, LEAK, STRETCH, VERTICES, stretches
from tests.suction_shapes import CUP, approach_at, ball, box, down, grasps_at_random, meshes_at_random, moved, surface

REST = np.hypot(CUP.radius, CUP.length)  # of a cone spring


def stretch_of(meshes, T, cup=CUP):
    return stretches(surface(*meshes), np.asarray(T)[None], cup)[0]


def first_hit(mesh, start, way):
    """Distance to the first triangle that a ray meets, and which (Moeller and Trumbore, 1997)."""
    a, b, c = np.moveaxis(mesh.triangles, 1, 0)
    p = np.cross(way, c - a)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1 / ((b - a) * p).sum(1)
        u, q = ((start - a) * p).sum(1) * inverse, np.cross(start - a, b - a)
        v, t = (q @ way) * inverse, ((c - a) * q).sum(1) * inverse
    t = np.where((u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & np.isfinite(t), t, np.inf)
    return t.min(), t.argmin()


def slow_stretch(mesh, owner, T, cup):
    """The same by one ray for each point, and the definition of every spring."""

    def hit(x, y):
        along, face = first_hit(mesh, T[:3, 3] + T[:3, :3] @ [x, y, -1.0], T[:3, 2])
        return (along - 1, owner[face]) if along - 1 <= BEYOND else None

    points = [(0.0, 0.0)]
    points += [(cup.radius * np.cos(a), cup.radius * np.sin(a)) for a in 2 * np.pi * np.arange(32) / 32]
    for share in INSIDE:
        turn = 2 * np.pi * np.arange(VERTICES) / VERTICES
        points += [(share * cup.radius * np.cos(a), share * cup.radius * np.sin(a)) for a in turn]
    hits = [hit(*p) for p in points]
    if any(h is None or h[1] != hits[0][1] for h in hits):
        return LEAK
    z = np.array([h[0] for h in hits])
    lip = np.column_stack([np.array(points[1:33]), z[1:33]])
    if np.abs(z - lip[:, 2].mean()).max() > cup.travel:
        return LEAK
    flat, vertices, apex = lip * [1, 1, 0], lip[::4], np.array([0, 0, z[0] - cup.length])
    springs = [(lip[i], lip[(i + 1) % 32], flat[i], flat[(i + 1) % 32]) for i in range(32)]
    for apart in (1, 2):
        springs += [
            (vertices[i], vertices[(i + apart) % 8], flat[4 * i], flat[4 * ((i + apart) % 8)]) for i in range(8)
        ]
    springs += [(v, apex, f, np.array([0, 0, -cup.length])) for v, f in zip(vertices, flat[::4])]
    return max(abs(np.linalg.norm(a - b) / np.linalg.norm(c - d) - 1) for a, b, c, d in springs)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_one_ray_after_the_other_finds(seed):
    meshes = [*meshes_at_random(seed), box((0.12, 0.1, 0.02), (0.12, 0.0))]
    T = grasps_at_random(meshes, seed)
    whole, owner = trimesh.util.concatenate(meshes), np.repeat(np.arange(4), [len(m.faces) for m in meshes])
    slow = np.array([slow_stretch(whole, owner, t, CUP) for t in T])
    np.testing.assert_allclose(stretches(surface(*meshes), T, CUP), slow, atol=1e-9)
    assert 0 < np.isfinite(slow).mean() < 1


def test_a_plane_does_not_stretch_it():
    assert stretch_of([box()], down()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("degrees", [2, 5, 10, 14, 17])
def test_a_tilted_plane_stretches_the_longest_cone_spring(degrees):
    """A vertex lies tan(tilt) radii deeper, its opposite as much higher; the deeper one's spring changes the most."""
    lean = np.radians(degrees)
    rise = CUP.radius * np.tan(lean)
    expected = np.hypot(CUP.radius, CUP.length + rise) / REST - 1
    T = approach_at([0, 0, 0.03], [np.sin(lean), 0, -np.cos(lean)])
    assert stretch_of([box()], T) == pytest.approx(expected, rel=1e-6)


def limit_of_balls(cup):
    """The radius of the ball that stretches the cone springs by STRETCH: its surface drops by s at the lip, where
    (length + s)^2 + r^2 = (1 + STRETCH)^2 (length^2 + r^2), and a cap of height s and radius r is of a ball of
    (r^2 + s^2) / 2s."""
    rest = np.hypot(cup.radius, cup.length)
    drop = np.sqrt(((1 + STRETCH) * rest) ** 2 - cup.radius**2) - cup.length
    return (cup.radius**2 + drop**2) / (2 * drop)


@pytest.mark.parametrize("cup", [CUP, dataclasses.replace(CUP, radius=0.01, length=0.02)])
def test_balls_down_to_a_radius_seal(cup):
    limit = limit_of_balls(cup)
    assert 1.5 * cup.radius < limit < 4 * cup.radius
    for share, seals in ((0.97, False), (1.03, True)):
        radius = share * limit
        assert (stretch_of([ball(radius)], down(z=2 * radius), cup) <= STRETCH) == seals


def test_a_ball_smaller_than_the_lip_leaks():
    assert stretch_of([ball(0.9 * CUP.radius)], down(z=1.8 * CUP.radius)) == LEAK


def test_the_lip_must_lie_within_the_edge():
    for beyond, leaks in ((-1e-4, False), (1e-4, True)):
        assert (stretch_of([box()], down(x=0.05 - CUP.radius + beyond)) == LEAK) == leaks


def test_a_step_under_the_lip_leaks_even_if_the_bellows_could_follow():
    step = [box((0.1, 0.1, 0.03)), box((0.05, 0.1, 0.034), (0.025, 0.0))]
    joined = surface_of(
        np.concatenate([m.vertices for m in step]),
        np.concatenate([step[0].faces, step[1].faces + len(step[0].vertices)]),
    )
    assert STRETCH < stretches(joined, down(x=0.001)[None], CUP)[0] < LEAK


@pytest.mark.parametrize("hole", [0.1, 0.5, 0.8])
def test_a_hole_inside_the_lip_leaks(hole):
    plate = trimesh.creation.annulus(hole * CUP.radius, 0.06, 0.02)
    plate.apply_translation([0, 0, 0.01])
    assert stretch_of([plate], down(z=0.02)) == LEAK


def test_a_plate_with_a_hole_seals_beside_it():
    plate = trimesh.creation.annulus(0.01, 0.06, 0.02)
    plate.apply_translation([0, 0, 0.01])
    assert stretch_of([plate], down(x=0.035, z=0.02)) == pytest.approx(0, abs=1e-9)
    assert stretch_of([plate], down(x=0.0255, z=0.02)) == LEAK


def test_a_groove_under_the_lip_leaks_between_two_vertices():
    """Two millimetres wide and ten deep, along the radius halfway between two vertices."""
    halves = [box((0.08, 0.04, 0.03), (0, side * 0.021)) for side in (-1, 1)]
    plate = trimesh.util.concatenate([*halves, box((0.04, 0.002, 0.03), (-0.02, 0)), box((0.08, 0.04, 0.02))])
    T = approach_at([0, 0, 0.03], [0, 0, -1], [np.cos(np.pi / 8), np.sin(np.pi / 8), 0])
    assert stretch_of([plate], T) > STRETCH
    T[0, 3] = -0.02  # the groove ends before the lip
    assert stretch_of([plate], T) == pytest.approx(0, abs=1e-9)


def test_one_object_alone_seals():
    left, right = box((0.05, 0.08, 0.03), (-0.025, 0)), box((0.05, 0.08, 0.03), (0.025, 0))
    assert stretch_of([left, right], down()) == LEAK
    assert stretch_of([trimesh.util.concatenate([left, right])], down()) == pytest.approx(0, abs=1e-9)


def test_it_goes_with_the_object():
    meshes, T = meshes_at_random(7), grasps_at_random(meshes_at_random(7), 7)
    motion = moved(1)
    turned = [m.copy().apply_transform(motion) for m in meshes]
    np.testing.assert_allclose(
        stretches(surface(*meshes), T, CUP), stretches(surface(*turned), motion @ T, CUP), atol=1e-9
    )


def test_it_does_not_matter_where_on_the_way_the_grasp_is_placed():
    assert stretch_of([ball(0.05)], down(z=0.1)) == pytest.approx(stretch_of([ball(0.05)], down(z=0.115)), abs=1e-9)
    assert stretch_of([box()], down(z=0.03 + 1.1 * BEYOND)) == LEAK


def test_a_finer_mesh_of_the_same_surface_changes_nothing():
    coarse = box()
    T = transforms.compose(down()[:3, :3], np.array([0.01, -0.02, 0.03]))
    assert stretch_of([coarse.subdivide().subdivide()], T) == pytest.approx(stretch_of([coarse], T), abs=1e-9)
