"""An orthographic view of the scene along the approach direction: the image in which grasps are planned.

Dex-Net 2.0 plans in the camera's own image, so a tilted or near camera shifts everything that stands above the table
(parallax), and a jaw's footprint is no longer the same pixels at every depth. Here the cloud is seen from infinitely
far along the approach: a metre is the same number of cells everywhere, a jaw's footprint is a rectangle, and crops no
longer depend on the camera. Training and planning both build their images here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Optional, Tuple

import numpy as np
import torch

from antipodal import backends, transforms
from antipodal.camera import Camera
from antipodal.perception import view_numba as compiled
from antipodal.perception.view_numba import Bounds

CELL_PIXELS = 1.2  # least side of a cell in the camera's pixels at that depth: in nearly every cell falls one


@dataclass(frozen=True)
class ViewOptions:
    """The grid of the view."""

    cell: float = 0.002  # finest side of a cell [m]; coarser where the camera's pixels are
    max_cells: int = 600  # most cells a side; beyond it the cells grow


@dataclass(frozen=True)
class View:
    """Depth along the approach on a regular grid; cell (row, column) is centred on `origin + cell * (column, row)`."""

    depth: torch.Tensor  # (H, W) float32 [m] along the view's z from the camera's centre, no cell missing
    graspable: torch.Tensor  # (H, W) bool, where a grasp may be centred; nowhere on the view's border
    inside: torch.Tensor  # (H, W) bool, False where the surface would lie outside the camera's image
    T_cam_view: np.ndarray  # (4, 4); the view's z is the approach direction, its origin the camera's centre
    origin: Tuple[float, float]  # x, y of cell (0, 0) [m]
    cell: float  # side of a cell [m]
    table: float  # depth of the table plane [m], inf where none was found
    labels: Optional[torch.Tensor] = None  # (H, W) int32, objects: 0 = none, -1 = not seen; None = no labels
    bare: Optional[torch.Tensor] = None  # (H, W) bool, cells that show the plane of a support that the view leans on

    @property
    def min_cell(self) -> float:
        """Least side of a cell [m], a plain number on every device."""
        return self.cell

    def to(self, device: torch.device) -> View:
        """The view on a device."""
        depth, graspable, inside = (t.to(device) for t in (self.depth, self.graspable, self.inside))
        labels = None if self.labels is None else self.labels.to(device)
        return replace(self, depth=depth, graspable=graspable, inside=inside, labels=labels)

    def frame(self) -> torch.Tensor:
        """x and y of cell (0, 0) and the cells' side (3,) [m], where the view lies."""
        return torch.tensor([*self.origin, self.cell], device=self.depth.device)

    def to_cells(self, xy: torch.Tensor) -> torch.Tensor:
        """Fractional (column, row) of positions (..., 2) [m]."""
        return (xy - self._origin_like(xy)) / self.cell

    def lookup(self, values: torch.Tensor, xy: torch.Tensor) -> torch.Tensor:
        """`values` (H, W) of the cells at positions (N, 2) [m], (N,); beyond the view, of the nearest cell."""
        column, row = self.to_cells(xy).round().long().unbind(-1)
        return values[row.clamp(0, values.shape[0] - 1), column.clamp(0, values.shape[1] - 1)]

    def to_metres(self, cells: torch.Tensor) -> torch.Tensor:
        """Positions (..., 2) [m] of fractional (column, row)."""
        return cells * self.cell + self._origin_like(cells)

    def things(self) -> torch.Tensor:
        """The surface (H, W) [m] of what stands on the support, and where nothing does, what lies behind."""
        return self.depth

    def _origin_like(self, like: torch.Tensor) -> torch.Tensor:
        """The origin (2,) on the device of `like` and as precise."""
        return like.new_tensor(self.origin)


def look_along(approach: np.ndarray) -> np.ndarray:
    """`T_cam_view` (4, 4) of the view from the camera's centre whose z is `approach` (3,) and whose x is near the
    camera's x."""
    return transforms.compose(transforms.rotation_to(approach, np.array([1.0, 0.0, 0.0])), np.zeros(3))


def make_view(
    depth: torch.Tensor,
    camera: Camera,
    mask: torch.Tensor,
    approach: np.ndarray,
    table: float,
    margin: float,
    options: ViewOptions = ViewOptions(),
) -> View:
    """The view along `approach` (3,) of what the mask covers and `margin` [m] around it.

    depth: (height, width) float32 [m], 0 = missing. mask: (height, width) bool, True somewhere where depth is valid.
    table: depth of the table along the approach [m].
    """
    T_cam_view = look_along(approach)
    low, high, depths = _extent(depth, mask, camera, T_cam_view)
    bounds = (low[0] - margin, low[1] - margin, high[0] + margin, high[1] + margin)
    few = depths[:: max(1, len(depths) // 2000)]
    pitch = float(few.median()) / min(camera.fx, camera.fy)
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    cell = max(options.cell, CELL_PIXELS * pitch, longest / options.max_cells)
    surface, masked = rectify_masked(depth, mask, camera, T_cam_view, bounds, cell)
    graspable = masked < surface + cell
    graspable[[0, -1]] = False
    graspable[:, [0, -1]] = False
    return View(
        surface,
        graspable,
        _inside_image(surface, bounds, cell, camera, T_cam_view),
        T_cam_view,
        bounds[:2],
        cell,
        table,
    )


def rectify_masked(
    depth: torch.Tensor, mask: torch.Tensor, camera: Camera, T_cam_view: np.ndarray, bounds: Bounds, cell: float
) -> Tuple[torch.Tensor, torch.Tensor]:
    """The surface (H, W) as by `rectify`, and the nearest depth in every cell of the pixels in `mask`, inf where it has
    none; by the compiled kernel where the depth lies in main memory."""
    if not backends.uses_numba(depth):
        surface, _ = rectify(depth, camera, T_cam_view, bounds, cell)
        return surface, nearest_in_cells(depth * mask, camera, T_cam_view, bounds, cell)
    found = compiled.rectify_masked_numba(depth.numpy(), mask.numpy(), camera, T_cam_view, bounds, cell)
    return torch.from_numpy(found[0]), torch.from_numpy(found[1])


def _extent(
    depth: torch.Tensor, mask: torch.Tensor, camera: Camera, T_cam_view: np.ndarray
) -> Tuple[List[float], List[float], torch.Tensor]:
    """Lowest and highest x and y in the view [m] of the valid pixels in the mask, and their depths (N,)."""
    if backends.uses_numba(depth):
        bounds, depths = compiled.extent(depth.numpy(), mask.numpy(), camera, T_cam_view)
        return bounds[:2].tolist(), bounds[2:].tolist(), torch.from_numpy(depths)
    v, u = torch.nonzero(mask & (depth > 0), as_tuple=True)
    points = points_in_view(u, v, depth[v, u], camera, T_cam_view)[:, :2]
    return points.amin(dim=0).tolist(), points.amax(dim=0).tolist(), depth[v, u]


def rectify(
    depth: torch.Tensor, camera: Camera, T_cam_view: np.ndarray, bounds: Bounds, cell: float
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Orthographic depth (H, W) [m] within `bounds` and the cells that were observed (H, W).

    depth: (height, width) float32 [m], 0 = missing. Each cell takes the nearest surface among the pixels that fall
    into it; a cell that none fell into is filled (see `fill_deepest`).
    """
    nearest = nearest_in_cells(depth, camera, T_cam_view, bounds, cell)
    observed = torch.isfinite(nearest)
    return fill_deepest(nearest, observed), observed


def nearest_in_cells(
    depth: torch.Tensor, camera: Camera, T_cam_view: np.ndarray, bounds: Bounds, cell: float
) -> torch.Tensor:
    """Nearest depth along the view's z (H, W) [m] among the pixels that fall into each cell; inf where none does."""
    W = max(1, round((bounds[2] - bounds[0]) / cell) + 1)
    H = max(1, round((bounds[3] - bounds[1]) / cell) + 1)
    v, u = torch.nonzero(depth > 0, as_tuple=True)
    x, y, z = points_in_view(u, v, depth[v, u], camera, T_cam_view).unbind(-1)
    column, row = ((x - bounds[0]) / cell).round_().long(), ((y - bounds[1]) / cell).round_().long()
    inside = (column >= 0) & (column < W) & (row >= 0) & (row < H)
    flat = torch.full((H * W,), float("inf"), device=depth.device)
    flat.scatter_reduce_(0, (row * W + column)[inside], z[inside], reduce="amin")
    return flat.view(H, W)


def points_in_view(
    u: torch.Tensor, v: torch.Tensor, depth: torch.Tensor, camera: Camera, T_cam_view: np.ndarray
) -> torch.Tensor:
    """Points (N, 3) [m] in the view frame of pixels u, v (N,) with depth (N,) [m]."""
    ray_x, ray_y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    R = T_cam_view[:3, :3]  # columns are the view's axes in the camera frame
    return torch.stack([(ray_x * R[0, k] + ray_y * R[1, k] + R[2, k]) * depth for k in range(3)], dim=-1)


def _inside_image(
    surface: torch.Tensor, bounds: Bounds, cell: float, camera: Camera, T_cam_view: np.ndarray
) -> torch.Tensor:
    """Cells (H, W) bool whose surface projects into the camera's image."""
    if backends.uses_numba(surface):
        return torch.from_numpy(compiled.inside_image_numba(surface.numpy(), bounds[:2], cell, camera, T_cam_view))
    return inside_image(surface, bounds[:2], cell, camera, T_cam_view)


def inside_image(
    surface: torch.Tensor, origin: Tuple[float, float], cell: float, camera: Camera, T_cam_view: np.ndarray
) -> torch.Tensor:
    """As `view_numba.inside_image`, for any device."""
    R = T_cam_view[:3, :3]
    x = origin[0] + cell * torch.arange(surface.shape[1], device=surface.device)[None, :]
    y = origin[1] + cell * torch.arange(surface.shape[0], device=surface.device)[:, None]
    u, v, w = (R[k, 0] * x + R[k, 1] * y + R[k, 2] * surface for k in range(3))
    u, v = camera.fx * u / w + camera.cx, camera.fy * v / w + camera.cy
    return (w > 0) & (u > -0.5) & (u < camera.width - 0.5) & (v > -0.5) & (v < camera.height - 0.5)


def fill_deepest(depth: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
    """`depth` (H, W) with every unobserved cell taken from the deepest of the observed cells next to it in its row and
    column; where these have none, from the deepest of all; 0 where none was observed.

    What hides behind an edge is taken for background, while a hole within a surface takes that surface's depth.
    """
    known = torch.where(observed, depth, torch.full_like(depth, -torch.inf))
    sides = [_carried(known, observed, axis, backwards) for axis in (0, 1) for backwards in (False, True)]
    deepest = torch.stack(sides).amax(dim=0)
    deepest = torch.where(torch.isinf(deepest), known.max(), deepest)
    return torch.where(observed, depth, torch.where(torch.isinf(deepest), 0.0, deepest))


def _carried(known: torch.Tensor, observed: torch.Tensor, axis: int, backwards: bool) -> torch.Tensor:
    """The last observed value (H, W) before every cell along an axis, -inf where there is none."""
    if backwards:
        return _carried(known.flip(axis), observed.flip(axis), axis, False).flip(axis)
    index = torch.arange(known.shape[axis], device=known.device)
    index = index[:, None] if axis == 0 else index[None, :]
    last = torch.where(observed, index, torch.zeros_like(index)).cummax(dim=axis).values
    return known.gather(axis, last)
