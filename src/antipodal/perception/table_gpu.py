"""As `table.find_table`, where the image lies: every hypothesis is scored at once, and nothing is read back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Tuple

import torch

from antipodal.perception.table import TableOptions


@dataclass(frozen=True)
class Plane:
    """Plane {p : normal . p = offset} in the camera frame, tensors; far off across the camera's axis where none is."""

    normal: torch.Tensor  # (3,) unit, away from the camera
    offset: torch.Tensor  # () [m]
    noise: torch.Tensor  # () robust standard deviation of the inliers [m]
    found: torch.Tensor  # () bool


def find_plane(
    points: torch.Tensor, enough: torch.Tensor, triples: torch.Tensor, options: TableOptions = TableOptions()
) -> Plane:
    """The plane that most points lie on (RANSAC, then least squares).

    points: (N, 3) [m]; enough: () bool, whether they are points at all; triples: (3, K) in [0, 1).
    """
    normal, offset = _best_hypothesis(points, triples, options)
    found = enough
    for tolerance in (options.tolerance, options.tolerance, options.tolerance / 2):
        near = (points @ normal - offset).abs() < tolerance
        found = found & (near.sum() >= max(3.0, options.min_share * len(points) / 2))
        normal, offset = _least_squares(points, near, normal)
    distance = (points @ normal - offset).abs()
    near = distance < options.tolerance
    found = found & (near.float().mean() >= options.min_share) & (normal[2] >= math.cos(options.max_tilt))
    noise = 1.4826 * _median(distance, near)
    ahead = torch.eye(3, device=points.device)[2]
    return Plane(
        torch.where(found, normal, ahead), torch.where(found, offset, math.inf), torch.where(found, noise, 0.0), found
    )


def frame_along(normal: torch.Tensor) -> torch.Tensor:
    """Rotation (3, 3) whose columns are a right-handed frame: z is the unit normal (3,), not along the camera's x, and
    x is near the camera's. As `transforms.rotation_to`."""
    ahead = torch.eye(3, device=normal.device)[0]
    x = ahead - normal[0] * normal
    x = x / x.norm()
    return torch.stack([x, torch.linalg.cross(normal, x), normal], dim=-1)


def _best_hypothesis(
    points: torch.Tensor, triples: torch.Tensor, options: TableOptions
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Normal (3,) and offset () of the plane through three points that has the most inliers."""
    a, b, c = points[(triples * len(points)).long()]
    normals = torch.linalg.cross(b - a, c - a)
    length = normals.norm(dim=1)
    normals = normals / length.clamp_min(1e-6)[:, None]
    normals = torch.where(normals[:, 2:] < 0, -normals, normals)
    offsets = (normals * a).sum(dim=1)
    judges = points[:: max(1, len(points) // 1000)]
    distance = judges @ normals.T - offsets
    # A table has nothing under it: a plane through the tops of a pile does.
    votes = (distance.abs() < options.tolerance).sum(dim=0) - (distance > 3 * options.tolerance).sum(dim=0)
    level = (length > 1e-6) & (normals[:, 2] >= math.cos(options.max_tilt))
    best = torch.where(level, votes, -len(judges)).argmax()
    return normals.index_select(0, best[None])[0], offsets.index_select(0, best[None])[0]


def _least_squares(points: torch.Tensor, near: torch.Tensor, normal: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Normal (3,) and offset () with the least squared distance to the points `near` (N,) bool a plane that is nearly
    right: heights over it are linear in the place on it, which leaves two equations and needs no eigenvectors."""
    weight = near.to(points.dtype)
    total = weight.sum().clamp_min(1.0)
    centre = (weight @ points) / total
    frame = frame_along(normal)
    local = (points - centre) @ frame * weight[:, None]
    moments = local.T @ local
    xx, yy, xy, xz, yz = moments[0, 0], moments[1, 1], moments[0, 1], moments[0, 2], moments[1, 2]
    determinant = (xx * yy - xy * xy).clamp_min(1e-12)
    slope_x, slope_y = (yy * xz - xy * yz) / determinant, (xx * yz - xy * xz) / determinant
    tilted = frame[:, 2] - slope_x * frame[:, 0] - slope_y * frame[:, 1]
    tilted = tilted / tilted.norm()
    return tilted, tilted @ centre


def _median(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Median () of the chosen values (N,)."""
    ordered = torch.where(chosen, values, math.inf).sort().values
    return ordered.index_select(0, (chosen.sum() // 2).clamp_max(len(values) - 1)[None])[0]
