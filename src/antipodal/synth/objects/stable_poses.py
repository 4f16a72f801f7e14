"""Stable poses of an object on a table: the facets of its convex hull that it can rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, QhullError

from antipodal import transforms
from antipodal.errors import InputError


@dataclass(frozen=True)
class PoseOptions:
    """Which resting poses count."""

    flat: float = 0.01  # hull faces whose normals differ by less form one facet [rad]
    min_probability: float = 0.01  # rarer poses are dropped, unless none is left
    max_poses: int = 20  # the likeliest are kept


def stable_poses(
    vertices: np.ndarray, center_of_mass: np.ndarray, options: PoseOptions = PoseOptions()
) -> Tuple[np.ndarray, np.ndarray]:
    """Poses `T_table_obj` (P, 4, 4), likeliest first, and their probabilities (P,), which sum to 1.

    vertices: (V, 3) [m] in the object's frame; center_of_mass: (3,). Table frame: z up, the table is z = 0, the centre
    of mass lies above the origin. A pose's probability is the share of directions in which the object, let go without
    momentum, rolls onto that facet (quasi-static estimate: Goldberg et al., Part pose statistics, 1999).
    Raises InputError where the points span no volume.
    """
    corners, normals, neighbours = hull_faces(vertices)
    share = _solid_angles(corners - center_of_mass) / (4 * np.pi)
    facet = _facets(normals, neighbours, options.flat)
    lands_on = _roll(corners, normals, neighbours, facet, center_of_mass)
    probability = np.bincount(facet[lands_on], weights=share, minlength=facet.max() + 1)
    keep = _likeliest(probability, options)
    face_of = np.unique(facet, return_index=True)[1][keep]
    poses = np.stack([_resting_on(corners[f], normals[f], center_of_mass) for f in face_of])
    return poses, probability[keep] / probability[keep].sum()


def hull_faces(vertices: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners (F, 3, 3), outward normals (F, 3) and neighbours (F, 3) of the hull's faces; neighbour k is across the
    edge opposite corner k."""
    try:
        hull = ConvexHull(np.asarray(vertices, dtype=np.float64))
    except (QhullError, ValueError) as e:
        raise InputError(f"{len(vertices)} points span no volume: {str(e).splitlines()[0]}") from e
    return hull.points[hull.simplices], hull.equations[:, :3], hull.neighbors


def _solid_angles(corners: np.ndarray) -> np.ndarray:
    """Solid angles (F,) of triangles (F, 3, 3) seen from the origin (Van Oosterom and Strackee, 1983)."""
    a, b, c = np.moveaxis(corners, 1, 0)
    la, lb, lc = (np.linalg.norm(p, axis=1) for p in (a, b, c))
    dot = lambda p, q: np.einsum("ij,ij->i", p, q)  # noqa: E731
    volume = np.abs(dot(a, np.cross(b, c)))
    return 2 * np.arctan2(volume, la * lb * lc + dot(a, b) * lc + dot(b, c) * la + dot(c, a) * lb)


def _facets(normals: np.ndarray, neighbours: np.ndarray, flat: float) -> np.ndarray:
    """Label (F,) of the facet of each face: neighbours whose normals agree are one facet."""
    face, other = np.repeat(np.arange(len(normals)), 3), neighbours.ravel()
    same = np.linalg.norm(normals[face] - normals[other], axis=1) < flat
    links = coo_matrix((np.ones(same.sum()), (face[same], other[same])), shape=(len(normals),) * 2)
    return connected_components(links, directed=False)[1]


def _roll(corners, normals, neighbours, facet, center_of_mass) -> np.ndarray:
    """The face (F,) on which an object put down on each face comes to rest.

    Under a centre of mass outside the face, the object rolls over the edge that it lies furthest beyond. Each roll
    lowers the centre of mass, so following the edges ends; faces of one facet count as one.
    """
    after, before = np.roll(corners, -1, axis=1), np.roll(corners, -2, axis=1)  # edge opposite corner k
    outward = np.cross(before - after, normals[:, None])
    outward /= np.linalg.norm(outward, axis=2, keepdims=True) + 1e-12
    outward *= np.sign(np.einsum("fki,fki->fk", outward, after - corners))[:, :, None]  # away from corner k
    beyond = np.einsum("fki,fki->fk", center_of_mass - after, outward)
    height = np.einsum("fi,fi->f", corners[:, 0] - center_of_mass, normals)
    worst = beyond.argmax(axis=1)
    step = neighbours[np.arange(len(normals)), worst]
    stays = (beyond.max(axis=1) <= 1e-9) | (height[step] > height + 1e-9)
    step = np.where(stays, np.arange(len(normals)), step)
    for _ in range(int(np.ceil(np.log2(len(step)))) + 1):  # pointer doubling: all chains end
        step = step[step]
    return step


def _likeliest(probability: np.ndarray, options: PoseOptions) -> np.ndarray:
    order = np.argsort(-probability, kind="stable")[: options.max_poses]
    likely = order[probability[order] >= options.min_probability]
    return likely if len(likely) else order[probability[order] > 0]


def _resting_on(corners: np.ndarray, normal: np.ndarray, center_of_mass: np.ndarray) -> np.ndarray:
    """`T_table_obj` (4, 4) that lays this face on z = 0, the centre of mass above the origin."""
    R_obj_table = transforms.rotation_to(-normal, np.eye(3)[np.argmin(np.abs(normal))])
    height = normal @ (corners[0] - center_of_mass)
    return transforms.compose(R_obj_table.T, np.array([0, 0, height]) - R_obj_table.T @ center_of_mass)
