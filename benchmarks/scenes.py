"""Rendered depth images of procedural objects on a table, with a depth camera's noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.synth.images.noise import NoiseOptions, add_noise
from antipodal.synth.images.render import nearer, plane_depth, render_depth
from antipodal.synth.objects.procedural import procedural

HEIGHT = 0.7  # of the camera above the table [m]
CAMERA = Camera(525.0, 525.0, 319.5, 239.5, 640, 480)
T_CAM_TABLE = transforms.compose(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, HEIGHT]))


@dataclass(frozen=True)
class Picture:
    """A depth image (H, W) [m] and its camera."""

    depth: np.ndarray
    camera: Camera


def scaled(width: int, height: int) -> Camera:
    """A camera of another size that sees the whole of what the 640 x 480 one sees, or more."""
    factor = min(width / CAMERA.width, height / CAMERA.height)
    return Camera(525.0 * factor, 525.0 * factor, (width - 1) / 2, (height - 1) / 2, width, height)


def picture(objects: int, seed: int, camera: Camera = CAMERA) -> Picture:
    """A scene of this many objects, upright and turned at random, on places of a jittered grid around the middle."""
    rng = np.random.default_rng([seed, objects])
    side = int(np.ceil(np.sqrt(objects)))
    places = rng.permutation(side * side)[:objects]
    pitch = min(0.10, 0.42 / side)
    depth = plane_depth(np.array([0.0, 0.0, 1.0, HEIGHT]), camera)
    for place in places:
        mesh = procedural(int(rng.integers(10_000)), seed=seed)
        xy = (np.array(divmod(int(place), side)) - (side - 1) / 2) * pitch + rng.uniform(-0.01, 0.01, 2)
        depth = nearer(render_depth(*_laid(mesh, xy, rng.uniform(0, 2 * np.pi)), camera), depth)
    return Picture(add_noise(rng, depth, camera, NoiseOptions()), camera)


def _laid(mesh: trimesh.Trimesh, xy: np.ndarray, yaw: float) -> tuple:
    """Vertices in the camera's frame and faces of a mesh that stands on the table at xy [m]."""
    vertices = mesh.vertices - [*mesh.bounds.mean(axis=0)[:2], mesh.bounds[0, 2]]
    T_table_mesh = transforms.compose(transforms.about_z(np.array(yaw)), np.append(xy, 0.0))
    return transforms.apply(T_CAM_TABLE @ T_table_mesh, vertices), mesh.faces
