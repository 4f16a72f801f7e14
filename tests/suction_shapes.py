"""Surfaces and grasps that the tests of suction labels share."""

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.suction_cup import SuctionCup
from antipodal.synth.labels.near_surface import surface_of

CUP = SuctionCup.load("piab_b30")
SIDE = np.array([1.0, 0.0, 0.0])


def surface(*meshes):
    """The surface of meshes, each an object."""
    vertices = np.concatenate([m.vertices for m in meshes])
    start = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    faces = np.concatenate([m.faces + s for m, s in zip(meshes, start)])
    return surface_of(vertices, faces, np.repeat(np.arange(len(meshes)), [len(m.faces) for m in meshes]))


def box(size=(0.1, 0.08, 0.03), at=(0.0, 0.0)):
    """A box that stands on z = 0 with its middle over `at`."""
    mesh = trimesh.creation.box(size)
    mesh.apply_translation([*at, size[2] / 2])
    return mesh


def ball(radius):
    """A ball that lies on z = 0, fine enough for its facets not to matter much."""
    mesh = trimesh.creation.icosphere(5, radius)
    mesh.apply_translation([0, 0, radius])
    return mesh


def approach_at(point, approach, hint=SIDE):
    """The pose (4, 4) of a grasp at a point along an approach."""
    return transforms.compose(transforms.rotation_to(np.asarray(approach, float), hint), np.asarray(point, float))


def down(x=0.0, y=0.0, z=0.03):
    """The pose of a grasp straight down."""
    return approach_at([x, y, z], [0, 0, -1])


def moved(seed):
    """A rigid motion (4, 4) at random."""
    rng = np.random.default_rng(seed)
    return transforms.compose(Rotation.random(random_state=rng).as_matrix(), rng.uniform(-1, 1, 3))


def meshes_at_random(seed, count=3):
    """Irregular bodies in a heap that is free to overlap."""
    rng, made = np.random.default_rng(seed), []
    for _ in range(count):
        mesh = trimesh.convex.convex_hull(rng.uniform(-0.05, 0.05, (12, 3)))
        mesh.apply_translation([*rng.uniform(-0.04, 0.04, 2), -mesh.bounds[0, 2]])
        made.append(mesh)
    return made


def grasps_at_random(meshes, seed, count=40):
    """Poses (count, 4, 4) on the surface, near its normals."""
    rng, poses = np.random.default_rng(seed), []
    whole = trimesh.util.concatenate(meshes)
    points, faces = trimesh.sample.sample_surface(whole, count, seed=seed)
    for point, face in zip(points, faces):
        inward = Rotation.from_rotvec(0.1 * rng.normal(size=3)).apply(-whole.face_normals[face])
        poses.append(approach_at(point, inward, rng.normal(size=3)))
    return np.stack(poses)
