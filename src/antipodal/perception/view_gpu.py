"""As `view.make_view`, where the image lies: the grid has the same number of cells for every image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Tuple

import torch

from antipodal.camera import Camera
from antipodal.perception.masked import pick_true
from antipodal.perception.view import CELL_PIXELS, View, ViewOptions, fill_deepest, inside_image


@dataclass(frozen=True)
class DeviceView(View):
    """A view made where its image lies: its numbers are tensors there, so that nothing waits for them."""

    T_cam_view: torch.Tensor  # type: ignore[assignment]  # (3, 3) rotation
    origin: Tuple[torch.Tensor, torch.Tensor]  # type: ignore[assignment]  # each () [m]
    cell: torch.Tensor  # type: ignore[assignment]  # () [m]
    table: torch.Tensor  # type: ignore[assignment]  # () [m]
    finest: float = 0.0  # side of the finest cells that the options allow [m]

    @property
    def min_cell(self) -> float:
        return self.finest

    def frame(self) -> torch.Tensor:
        return torch.stack([*self.origin, self.cell])

    def _origin_like(self, like: torch.Tensor) -> torch.Tensor:
        return torch.stack(self.origin)


def rays(depth: torch.Tensor, camera: Camera) -> Tuple[torch.Tensor, torch.Tensor]:
    """x (1, W) and y (H, 1) at unit depth of the pixels of an image (H, W)."""
    u, v = (torch.arange(n, device=depth.device, dtype=depth.dtype) for n in (depth.shape[1], depth.shape[0]))
    return ((u - camera.cx) / camera.fx)[None, :], ((v - camera.cy) / camera.fy)[:, None]


def points_in(depth: torch.Tensor, camera: Camera, rotation: torch.Tensor) -> torch.Tensor:
    """Points (3, H, W) [m] of all pixels in a frame at the camera's centre, `rotation` (3, 3) to the camera's."""
    ray_x, ray_y = rays(depth, camera)
    return torch.stack([(ray_x * rotation[0, k] + ray_y * rotation[1, k] + rotation[2, k]) * depth for k in range(3)])


def make_view_gpu(
    depth: torch.Tensor,
    camera: Camera,
    mask: torch.Tensor,
    rotation: torch.Tensor,
    table: torch.Tensor,
    margin: float,
    cells: int,
    uniform: torch.Tensor,
    options: ViewOptions = ViewOptions(),
) -> DeviceView:
    """The view of `cells` x `cells` along z of `rotation` (3, 3), with what the mask covers in its middle.

    depth: (height, width) [m], 0 = missing; mask: (height, width) bool, where depth is valid; table: () its depth along
    the approach [m]; margin: around what the mask covers [m]; uniform: (N,) in [0, 1), choose the pixels whose median
    depth bounds the cells' side.
    """
    points = points_in(depth, camera, rotation)
    low = torch.where(mask, points[:2], torch.inf).amin(dim=(1, 2)) - margin
    high = torch.where(mask, points[:2], -torch.inf).amax(dim=(1, 2)) + margin
    distance = depth.flatten()[pick_true(mask.flatten(), uniform)].sort().values[len(uniform) // 2]
    finest = CELL_PIXELS * distance / min(camera.fx, camera.fy)
    cell: Any = torch.maximum(finest, (high - low).amax() / (cells - 1)).clamp_min(options.cell)
    middle = ((low + high) / 2).nan_to_num(0.0)  # where the mask covers nothing
    origin: Any = (middle - cell * ((cells - 1) / 2)).unbind()
    surface = _nearest_depth_in_cells(points, depth > 0, origin, cell, cells)
    masked = _nearest_depth_in_cells(points, mask, origin, cell, cells)
    surface = fill_deepest(surface, torch.isfinite(surface))
    within = torch.nn.functional.pad(torch.ones_like(surface[1:-1, 1:-1], dtype=torch.bool), (1, 1, 1, 1))
    where: Any = rotation
    inside = inside_image(surface, origin, cell, camera, where)
    return DeviceView(
        surface, (masked < surface + cell) & within, inside, where, origin, cell, table, finest=options.cell
    )


def _nearest_depth_in_cells(
    points: torch.Tensor, valid: torch.Tensor, origin: tuple, cell: torch.Tensor, cells: int
) -> torch.Tensor:
    """Nearest depth (cells, cells) [m] among the valid (H, W) points (3, H, W) in every cell; inf where none is."""
    column, row = (((points[k] - origin[k]) / cell).round() for k in range(2))
    inside = valid & (column >= 0) & (column < cells) & (row >= 0) & (row < cells)
    index = torch.where(inside, row * cells + column, cells * cells).long().flatten()  # the last is thrown away
    nearest = torch.full((cells * cells + 1,), torch.inf, device=points.device)
    return nearest.scatter_reduce(0, index, points[2].flatten(), "amin")[:-1].view(cells, cells)
