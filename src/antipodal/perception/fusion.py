"""One orthographic view of what several cameras saw: the nearest surface of all, less what one of them saw through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np
import torch

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.perception.fusion_numba import scatter, seen_through
from antipodal.perception.obstacles import window_with_depth
from antipodal.perception.view import CELL_PIXELS, View, ViewOptions, fill_deepest, look_along


@dataclass(frozen=True)
class FusionOptions:
    """How the images of several cameras become one view."""

    agree: float = 0.005  # surfaces nearer to each other than this are one, and averaged [m]
    max_disagreement: float = 0.005  # cameras whose common surface is further apart than this are refused [m]
    step: float = 0.01  # what lies this far in front of what another camera sees there is no surface [m]
    slack: float = 0.005  # unless that camera sees something as near, this far beside it [m]


@dataclass(frozen=True, eq=False)
class CameraView:
    """One camera's image as it is understood, and where the camera stands."""

    depth: np.ndarray  # (H, W) float32 [m], 0 = missing
    graspable: np.ndarray  # (H, W) bool
    camera: Camera
    T_first_cam: np.ndarray  # (4, 4) in the frame of the first camera
    labels: Optional[np.ndarray] = None  # (H, W) int32

    @cached_property
    def median_depth(self) -> float:
        """Of the valid pixels [m]."""
        return float(np.median(self.depth[self.depth > 0][::50]))

    def points(self, mask: np.ndarray) -> np.ndarray:
        """Points (N, 3) [m] in the first camera's frame of the valid pixels in a mask (H, W)."""
        v, u = np.nonzero(mask & (self.depth > 0))
        points = self.camera.deproject(np.stack([u, v], axis=-1), self.depth[v, u].astype(np.float64))
        return transforms.apply(self.T_first_cam, points)

    def sees(self, points: np.ndarray) -> np.ndarray:
        """Whether (...) bool points (..., 3) [m] in the first camera's frame appear in the image, and in no strip along
        its border that has no depth."""
        points = (points - self.T_first_cam[:3, 3]) @ self.T_first_cam[:3, :3]
        ahead = points[..., 2] > 1e-3
        px = self.camera.project(np.where(ahead[..., None], points, 1.0))
        return ahead & ((px >= self._window[:2]) & (px <= self._window[2:])).all(axis=-1)

    def rise(self, points: np.ndarray, approach: np.ndarray) -> np.ndarray:
        """How far (N, K) [m] the surfaces that hide points (N, K, 3) lie before them along approaches (N, 3); 0 where
        none does, or none is seen. All in the first camera's frame."""
        from_eye = points - self.T_first_cam[:3, 3]
        own = from_eye @ self.T_first_cam[:3, :3]
        own[..., 2] = np.maximum(own[..., 2], 1e-3)
        u, v = np.rint(self.camera.project(own)).astype(int).clip(0, np.array(self.depth.shape)[::-1] - 1).T
        seen = self.depth[v.T, u.T]
        share = np.where(seen > 0, 1 - seen / own[..., 2], 0.0)
        return np.maximum(share * (from_eye @ approach[..., None])[..., 0], 0.0)

    @cached_property
    def _window(self) -> Tuple[int, int, int, int]:
        return window_with_depth(self.depth)


def fused_view(
    views: Sequence[CameraView],
    approach: np.ndarray,
    table: float,
    margin: float,
    options: ViewOptions = ViewOptions(),
    fusion: FusionOptions = FusionOptions(),
) -> View:
    """As `make_view` along `approach` (3,), in the frame of the first of the cameras, of what all of them saw."""
    T_first_view = look_along(approach)
    views = all_carved(views, fusion, (approach, table - fusion.step))
    grid = _view_grid(views, T_first_view, margin, options)
    nearest, masked = _scattered(views, T_first_view, grid)
    first = nearest.min(axis=0)
    one = nearest <= first + np.float32(fusion.agree)
    seen = np.isfinite(first)
    mean = np.where(one & seen, nearest, 0).sum(axis=0) / np.maximum(one.sum(axis=0), 1)
    surface = fill_deepest(torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(seen))
    graspable = torch.from_numpy(masked.min(axis=0) < first + np.float32(grid[2]))
    graspable[[0, -1]] = False
    graspable[:, [0, -1]] = False
    inside = np.any([_in_image(surface.numpy(), grid, v, T_first_view) for v in views], axis=0)
    return View(surface, graspable, torch.from_numpy(inside), T_first_view, grid[:2], grid[2], table)


def with_labels(view: View, views: Sequence[CameraView]) -> View:
    """The view with the label of the nearest pixel that any camera has in each cell, -1 where that is not known; what
    may be grasped keeps to cells that show one of its objects."""
    height, width = view.depth.shape
    grid = (*view.origin, view.cell, height, width)
    nearest, label = np.full((height, width), np.inf, np.float32), np.full((height, width), -1, np.int32)
    for one in views:
        T_view_cam = transforms.invert(view.T_cam_view) @ one.T_first_cam
        depth, _, found = scatter(one.depth, _NO_MASK, _labels(one), one.camera, T_view_cam, grid)
        label = np.where(depth < nearest, found, label)
        nearest = np.minimum(nearest, depth)
    named = [_labels(one)[one.graspable] for one in views if one.labels is not None]
    wanted = torch.from_numpy(np.isin(label, np.unique(np.concatenate(named)))).to(view.depth.device)
    return replace(view, labels=torch.from_numpy(label).to(view.depth.device), graspable=view.graspable & wanted)


_NO_MASK, _NO_LABELS = np.zeros((0, 0), bool), np.zeros((0, 0), np.int32)
Grid = Tuple[float, float, float, int, int]  # x and y of cell (0, 0) and the side of a cell [m], height and width


def _labels(view: CameraView) -> np.ndarray:
    return _NO_LABELS if view.labels is None else view.labels


def all_carved(
    views: Sequence[CameraView], fusion: FusionOptions, standing: Tuple[np.ndarray, float]
) -> List[CameraView]:
    """The views, each without what any other sees through."""
    return [carved(view, [other for other in views if other is not view], fusion, standing) for view in views]


def carved(
    view: CameraView,
    others: Sequence[CameraView],
    fusion: FusionOptions = FusionOptions(),
    standing: Tuple[np.ndarray, float] = (np.zeros(3), 1.0),
) -> CameraView:
    """The view without the pixels whose points another camera sees through.

    standing: a direction (3,) in the first camera's frame and a depth along it [m]; what is deeper stays as it is.
    """
    depth, (along, deepest) = view.depth, standing
    R, origin = view.T_first_cam[:3, :3], view.T_first_cam[:3, 3]
    plane = (*(along @ R), deepest - float(along @ origin))
    for other in others:
        T_other_cam = transforms.invert(other.T_first_cam) @ view.T_first_cam
        farther = least_around(other, fusion.slack)
        through = seen_through(depth, view.camera, farther, other.camera, T_other_cam, fusion.step, plane)
        depth = np.where(through, np.float32(0), depth)
    return replace(view, depth=depth)


def least_around(view: CameraView, slack: float) -> np.ndarray:
    """Least depth (H, W) float32 within `slack` [m] of every pixel, 0 where one of these pixels is missing."""
    size = 2 * max(1, round(slack * view.camera.fx / view.median_depth)) + 1
    return cv2.erode(view.depth, np.ones((size, size), np.uint8))


def _view_grid(views: Sequence[CameraView], T_first_view: np.ndarray, margin: float, options: ViewOptions) -> Grid:
    """The grid that covers what may be grasped and `margin` [m] around it, as fine as the coarsest camera sees."""
    low, high, pitches = np.full(2, np.inf), np.full(2, -np.inf), []
    for view in views:
        mask = view.graspable & (view.depth > 0)
        if mask.any():
            xy = (view.points(mask) @ T_first_view[:3, :3])[:, :2]
            low, high = np.minimum(low, xy.min(axis=0)), np.maximum(high, xy.max(axis=0))
            pitches.append(float(np.median(view.depth[mask])) / min(view.camera.fx, view.camera.fy))
    low, high = low - margin, high + margin
    cell = max(options.cell, CELL_PIXELS * max(pitches), float((high - low).max()) / options.max_cells)
    width, height = (max(1, round(float(n) / cell) + 1) for n in high - low)
    return float(low[0]), float(low[1]), cell, height, width


def _scattered(views: Sequence[CameraView], T_first_view: np.ndarray, grid: Grid) -> Tuple[np.ndarray, np.ndarray]:
    """Nearest depth (K, H, W) in every cell of each of K cameras' pixels, and of those that may be grasped."""
    found: List[Tuple[np.ndarray, np.ndarray]] = []
    for view in views:
        T_view_cam = transforms.invert(T_first_view) @ view.T_first_cam
        found.append(scatter(view.depth, view.graspable, _NO_LABELS, view.camera, T_view_cam, grid)[:2])
    nearest, masked = zip(*found)
    return np.stack(nearest), np.stack(masked)


def _in_image(surface: np.ndarray, grid: Grid, view: CameraView, T_first_view: np.ndarray) -> np.ndarray:
    """Cells (H, W) bool whose surface projects into a camera's image."""
    x, y, cell, height, width = grid
    row, column = np.mgrid[:height, :width]
    points = np.stack([x + cell * column, y + cell * row, surface], axis=-1)
    points = transforms.apply(transforms.invert(view.T_first_cam) @ T_first_view, points.reshape(-1, 3))
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = view.camera.project(points).T
        inside = (points[:, 2] > 0) & (u > -0.5) & (u < view.camera.width - 0.5)
        inside &= (v > -0.5) & (v < view.camera.height - 0.5)
    return inside.reshape(height, width)
