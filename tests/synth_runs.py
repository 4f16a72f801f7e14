"""Small runs and simple objects that the generator's tests share."""

from pathlib import Path

import numpy as np
import trimesh

from antipodal.camera import Camera
from antipodal.files import checksum
from antipodal.grasp import Gripper
from antipodal.synth.labels.labels import LabelOptions
from antipodal.synth.objects.procedural import procedural
from antipodal.synth.objects.stable_poses import stable_poses
from antipodal.synth.options import GenerateOptions
from antipodal.synth.run import Run

GRIPPER = Gripper()
CAMERA = Camera(fx=400.0, fy=400.0, cx=320.0, cy=240.0, width=640, height=480)
SMALL = GenerateOptions(grasps=12, views=2, shard_poses=3)  # 72 samples a shard
EXACT = LabelOptions(draws=1, friction_sd=0.0, position_sd=0.0, height_sd=0.0, yaw_sd=0.0)


def run(meshes="procedural:5", samples=200, **changes):
    """A run of few samples."""
    values = dict(exclude=(), gripper=GRIPPER, camera=CAMERA, options=SMALL, seed=3)
    return Run(meshes=meshes, samples=samples, **{**values, **changes})


def digest(folder: Path):
    """Checksums of every array of every shard."""
    return {str(p.relative_to(folder)): checksum(p) for p in sorted((folder / "shards").rglob("*.npy"))}


def standing(index):
    """A procedural mesh in its likeliest pose."""
    mesh = procedural(index)
    mesh.apply_transform(stable_poses(mesh.vertices, mesh.center_mass)[0][0])
    return mesh


def on_table(mesh):
    """The mesh, moved up or down until it stands on z = 0."""
    mesh.apply_translation([0, 0, -mesh.bounds[0, 2]])
    return mesh


def wedge(slope, top=0.01, height=0.04, length=0.08):
    """A ridge along x whose two sides lean inward by the angle `slope` from the vertical."""
    y = top / 2 + height * np.tan(slope)
    points = [[x, s * w, z] for x in (-length / 2, length / 2) for s in (-1, 1) for w, z in ((y, 0), (top / 2, height))]
    return trimesh.convex.convex_hull(np.array(points))
