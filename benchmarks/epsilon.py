"""Speed of the closed-form epsilon quality against Qhull on the same wrenches, and how often their labels agree.

python benchmarks/epsilon.py --meshes DIR|procedural[:N] [--objects 20] [--json OUT]
The contacts are antipodal pairs on the meshes, with the normals of the faces there.

python benchmarks/epsilon.py --meshes DIR --objects 700 --fit-opening 0 0.4 --gripper config/grippers/yumi.yaml
The share of positive labels of the dexnet2 preset, for objects scaled to be these shares of the opening thick.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np
import trimesh
from scipy.spatial import ConvexHull, QhullError

from antipodal import transforms
from antipodal.errors import AntipodalError
from antipodal.files import write_json
from antipodal.grasp import Gripper
from antipodal.synth.grasps.candidates import sample_grasps
from antipodal.synth.labels.epsilon import epsilon_quality, wrenches
from antipodal.synth.labels.labels import label_grasps
from antipodal.synth.objects.meshes import mesh_source
from antipodal.synth.objects.own_box import median_side
from antipodal.synth.objects.prepared import prepare
from antipodal.synth.options import preset
from antipodal.synth.scene import build_scene

THRESHOLD = 0.002
GRASPS = 40  # an object, for --fit-opening


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meshes", default="procedural:60")
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=50, help="an object")
    parser.add_argument("--fit-opening", type=float, nargs="+", help="measure positive labels instead of speed")
    parser.add_argument("--gripper", default="config/grippers/yumi.yaml", help="for --fit-opening")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    if args.fit_opening:
        return positives(some_meshes(args.meshes, args.objects, rng), Gripper.load(args.gripper), args.fit_opening)
    fast, slow, seconds = [], [], np.zeros(2)
    for mesh in some_meshes(args.meshes, args.objects, rng):
        points, normals = pairs(mesh, args.pairs, rng)
        size, friction = median_side(mesh.vertices) / 2, rng.uniform(0.3, 0.7, len(points))
        epsilon_quality(points[:1], normals[:1], friction[:1], size)
        began = time.perf_counter()
        fast.append(epsilon_quality(points, normals, friction, size))
        seconds[0] += time.perf_counter() - began
        began = time.perf_counter()
        slow.append([by_hull(*contacts, size) for contacts in zip(points, normals, friction)])
        seconds[1] += time.perf_counter() - began
    report(np.concatenate(fast), np.concatenate(slow), seconds, args.json)


def positives(meshes: List[trimesh.Trimesh], gripper: Gripper, fits: Sequence[float]) -> None:
    """Print the share of positive labels of one pose and GRASPS grasps an object, and its 95 % interval by resampling
    objects."""
    for fit in fits:
        shares = np.array([share for m in meshes for share in positive_share(m, gripper, fit)])
        rng = np.random.default_rng(0)
        means = [rng.choice(shares, len(shares)).mean() for _ in range(1000)]
        low, high = np.percentile(means, [2.5, 97.5])
        print(f"fit_opening {fit:4.2f}: {shares.mean():.1%} positive [{low:.1%}, {high:.1%}] of {len(shares)} objects")


def positive_share(mesh: trimesh.Trimesh, gripper: Gripper, fit: float) -> List[float]:
    """Of one object, as the preset draws pose and grasps; nothing where it cannot be used."""
    o, rng = preset("dexnet2"), np.random.default_rng(len(mesh.faces))
    try:
        ready = prepare(mesh, o.poses, o.scene, fit * gripper.max_width)
    except AntipodalError:
        return []
    pose = ready.poses[rng.integers(len(ready.poses))]
    center = transforms.apply(pose, ready.center_of_mass[None])
    scene = build_scene(transforms.apply(pose, ready.vertices.astype(float)), ready.faces, o.scene, center)
    grasps = sample_grasps(scene, gripper, GRASPS, rng, o.candidates)
    return [float(label_grasps(scene, gripper, grasps, rng, o.labels).label.mean())]


def some_meshes(source: str, count: int, rng: np.random.Generator) -> List[trimesh.Trimesh]:
    sources, meshes = mesh_source(source), []
    for i in rng.permutation(len(sources)):
        try:
            meshes.append(sources[i].get())
        except AntipodalError:
            continue
        if len(meshes) == count:
            break
    return meshes


def pairs(mesh: trimesh.Trimesh, count: int, rng: np.random.Generator) -> Tuple[np.ndarray, np.ndarray]:
    """Points (N, 2, 3) relative to the centre of mass and inward normals (N, 2, 3), where lines within 35 degrees of
    the inward normal of surface points meet the surface again."""
    start, face = trimesh.sample.sample_surface(mesh, count, seed=int(rng.integers(1 << 31)))
    inward = -mesh.face_normals[face]
    way = inward + rng.uniform(0, 0.5, (count, 1)) * rng.normal(size=(count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    hit, ray, other = mesh.ray.intersects_location(start + 1e-5 * way, way, multiple_hits=False)
    points = np.stack([start[ray], hit], axis=1) - mesh.metadata["center_of_mass"]
    return points, np.stack([inward[ray], -mesh.face_normals[other]], axis=1)


def by_hull(points: np.ndarray, normals: np.ndarray, friction: float, size: float) -> float:
    try:
        return max(0.0, -ConvexHull(wrenches(points, normals, friction, size)).equations[:, -1].max())
    except QhullError:  # flat: no ball inside
        return 0.0


def report(fast: np.ndarray, slow: np.ndarray, seconds: np.ndarray, path: Path) -> None:
    per_grasp = seconds / len(fast) * 1e6
    closed = (fast > 0) & (slow > 0)
    result = {
        "grasps": len(fast),
        "closed_form_us": round(per_grasp[0], 2),
        "qhull_us": round(per_grasp[1], 1),
        "ratio": round(per_grasp[1] / per_grasp[0]),
        "force_closure": round(float(np.mean(fast > 0)), 4),
        "above_threshold": round(float(np.mean(fast > THRESHOLD)), 4),
        "label_agreement": round(float(np.mean((fast > THRESHOLD) == (slow > THRESHOLD))), 4),
        "largest_relative_error": float(np.max(np.abs(fast[closed] / slow[closed] - 1), initial=0)),
    }
    print("\n".join(f"{name:24} {value}" for name, value in result.items()))
    if path:
        write_json(path, result)


if __name__ == "__main__":
    main()
