"""Things that some kinds of scenes have of their own: wide tops on a foot, and flat boxes, cards and plates."""

from __future__ import annotations

from functools import partial
from typing import List

import numpy as np
import trimesh

from antipodal import transforms
from antipodal.sim.objects import join
from antipodal.synth.objects.meshes import NamedMesh
from antipodal.synth.objects.procedural import circles, hull

MOST = 50  # different things of a kind


def wide_things(seed: int) -> List[NamedMesh]:
    """Things that are wider from above than jaws open, and narrow from the side."""
    return [NamedMesh(f"wide_top_{i:03d}", partial(_wide_top, i, seed)) for i in range(MOST)]


def flat_things(seed: int) -> List[NamedMesh]:
    """Boxes, cards and plates that lie flat and are wider than jaws open, or too thin for them."""
    makers = (_flat_box, _card, _plate)
    return [NamedMesh(f"{makers[i % 3].__name__[1:]}_{i:03d}", partial(makers[i % 3], i, seed)) for i in range(MOST)]


def _wide_top(index: int, seed: int) -> trimesh.Trimesh:
    """A foot, a thin post and a wide round top, made of cylinders."""
    rng = np.random.default_rng([seed, index])
    post, top, foot = rng.uniform(0.08, 0.13), rng.uniform(0.008, 0.02), rng.uniform(0.006, 0.012)
    sizes = [(rng.uniform(0.03, 0.045), foot), (rng.uniform(0.008, 0.02), post), (rng.uniform(0.05, 0.065), top)]
    parts, height = [], 0.0
    for radius, length in sizes:
        middle = transforms.compose(np.eye(3), np.array([0.0, 0.0, height + length / 2]))
        parts.append(trimesh.creation.cylinder(radius, length, sections=24, transform=middle))
        height += length
    return _of_parts(parts)


def _flat_box(index: int, seed: int) -> trimesh.Trimesh:
    rng = np.random.default_rng([seed, index])
    return _of_parts(
        [trimesh.creation.box((rng.uniform(0.1, 0.16), rng.uniform(0.09, 0.13), rng.uniform(0.003, 0.02)))]
    )


def _card(index: int, seed: int) -> trimesh.Trimesh:
    rng = np.random.default_rng([seed, index])
    return _of_parts(
        [trimesh.creation.box((rng.uniform(0.08, 0.11), rng.uniform(0.05, 0.07), rng.uniform(0.001, 0.002)))]
    )


def _plate(index: int, seed: int) -> trimesh.Trimesh:
    """A round floor and a rim that rises outwards."""
    rng = np.random.default_rng([seed, index])
    floor, rim, rise = rng.uniform(0.035, 0.05), rng.uniform(0.012, 0.025), rng.uniform(0.006, 0.014)
    thick, sides = rng.uniform(0.003, 0.005), 32
    ring = circles(np.array([floor, floor, floor + rim, floor + rim]), np.array([0, thick, rise, rise + thick]), sides)
    staves = [hull(ring[:, [j, (j + 1) % sides]].reshape(-1, 3)) for j in range(sides)]
    return _of_parts([hull(ring[:2].reshape(-1, 3)), *staves])


def _of_parts(parts: List[trimesh.Trimesh]) -> trimesh.Trimesh:
    """A mesh of convex parts laid against each other."""
    vertices, faces = join((np.asarray(part.vertices), np.asarray(part.faces)) for part in parts)
    return trimesh.Trimesh(vertices, faces, metadata={"parts": parts}, process=False)
