"""What stands on a support as solids: the points that were seen, and what they hide from the camera.

A view from another side than the camera's shows what the camera did not see. The rule here: what lies behind a seen
surface, up to the support, counts as occupied, for `SolidOptions.shadow` metres along the camera's ray. The support is
a plane without end. Everything else is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, List, Optional, Protocol, Sequence, Tuple

import numpy as np
import torch

from antipodal import transforms
from antipodal.perception import solid_scene_numba as compiled
from antipodal.perception.fusion import CameraView
from antipodal.perception.option_limits import Within, check_options
from antipodal.perception.view import CELL_PIXELS, ViewOptions, look_along
from antipodal.perception.view_atlas import ObliqueView, ViewAtlas

MOST_VOXELS = 6_000_000  # beyond it voxels grow
BEYOND = 0.3  # what is bare ends this far before and behind what may be grasped [m]
BROAD = 0.02  # what is flat and wider than this is the support, no card or sheet [m^2]
LEAST_STANDING = 0.01  # of what is flat; less is noise
NO_PLANE = np.array([0.0, 0.0, 0.0, np.inf], np.float32)


@dataclass(frozen=True)
class SolidOptions:
    """What counts as occupied in a view from another side than the camera's."""

    WITHIN: ClassVar[Within] = {"shadow": (0, 2), "voxel": (0.001, 0.02)}
    shadow: float = 0.3  # longest that a seen surface casts along the camera's ray [m]; 0: what is hidden is free
    voxel: float = 0.003  # side of the cubes that stand for what is hidden [m]
    flat: float = 0.003  # what is seen lower than this above the support, or than its noise, is support [m]
    support: float = 0.0015  # every part of the hand stays this far above the support [m]

    def __post_init__(self) -> None:
        check_options(self, "solid.")


class SupportPlane(Protocol):
    """A plane {p : normal . p = offset} in the camera frame, as of `table.Table`."""

    @property
    def normal(self) -> np.ndarray:
        """(3,) unit, away from the camera"""

    @property
    def offset(self) -> float:
        """[m]"""

    @property
    def noise(self) -> float:
        """Standard deviation of depth about it at 1 m; it grows with the square of depth [m]."""


@dataclass(frozen=True)
class SolidScene:
    """One image's points above the support, in the camera's frame, shared by the views of all directions."""

    points: np.ndarray  # (N, 3) float32 [m] of every pixel that shows no support
    target: np.ndarray  # (N,) bool, of the pixels that may be grasped
    targets: np.ndarray  # (3, K) float32, these points by coordinate: their minima then compile to vectors
    few: np.ndarray  # (K,) points that stand for all in a coarse view
    hidden: np.ndarray  # (M, 3) float32, a place in each outer voxel of what is hidden [m]
    voxel: float  # their side [m]
    plane: np.ndarray  # (4,) float32 of the support: normal . p = offset; NO_PLANE where there is none
    lift: float  # of the plane, for the hand to stay off it [m]
    pitch: float  # side of a pixel where things may be grasped [m]
    height: float  # of the highest point that may be grasped over the support [m]; inf where there is none

    def view(
        self, direction: np.ndarray, margin: float, options: ViewOptions = ViewOptions()
    ) -> Tuple[ObliqueView, torch.Tensor]:
        """The view along a direction (3,) of what may be grasped and `margin` [m] around it, and its surface (H, W)
        with the support lifted."""
        T_cam_view = look_along(direction)
        R = np.ascontiguousarray(T_cam_view[:3, :3], np.float32)
        low, high = compiled.extent_of(self.targets, R)
        longest = float((high - low)[:2].max()) + 2 * margin
        cell = max(options.cell, CELL_PIXELS * self.pitch, longest / options.max_cells)
        width, height = _cells(high - low, margin, cell)
        depth, lifted, graspable, bare = made = _surfaces(height, width)
        self._draw(self.points, self.target, R, low, high, margin, cell, made)
        corner = float(low[0]) - margin, float(low[1]) - margin
        everywhere = torch.ones_like(graspable)
        return ObliqueView(depth, graspable, everywhere, T_cam_view, corner, cell, float("inf"), bare=bare), lifted

    def lean(self, directions: np.ndarray) -> np.ndarray:
        """One less the cosine (N,) float32 between directions (N, 3) and the support's normal; 0 without a support."""
        normal = self.plane[:3]
        return (np.linalg.norm(normal) - directions @ normal).astype(np.float32)

    def atlas(self, directions: np.ndarray, margin: float, cell: float) -> ViewAtlas:
        """Coarse views along directions (V, 3) of what may be grasped and `margin` [m] around it, one below the other.
        cell: side of their cells [m], larger where the camera's pixels are. Few points stand for all."""
        frames = np.stack([look_along(direction) for direction in directions])
        R = np.ascontiguousarray(frames[:, :3, :3], np.float32)
        points, target = self.points[self.few], self.target[self.few]
        targets = _by_coordinate(points, target)
        extents = [compiled.extent_of(targets, turn) for turn in R]
        cell = max(cell, CELL_PIXELS * self.pitch)
        sizes = np.array([_cells(high - low, margin, cell) for low, high in extents])
        width, last = int(sizes[:, 0].max()), np.cumsum(sizes[:, 1])
        depth, lifted, graspable, bare = made = _surfaces(int(last[-1]), width)
        for turn, (low, high), end, height in zip(R, extents, last, sizes[:, 1]):
            self._draw(points, target, turn, low, high, margin, cell, [part[end - height : end] for part in made])
        everywhere = torch.ones_like(graspable)
        view = ObliqueView(depth, graspable, everywhere, np.eye(4), (0.0, 0.0), cell, float("inf"), bare=bare)
        first = np.array([low[:2] - np.float32(margin) for low, _ in extents], np.float64)
        first[:, 1] -= cell * (last - sizes[:, 1])
        return ViewAtlas(view, lifted, frames, torch.from_numpy(first.astype(np.float32)), torch.from_numpy(last))

    def _draw(
        self,
        points: np.ndarray,
        target: np.ndarray,
        R: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        margin: float,
        cell: float,
        surfaces: Sequence[torch.Tensor],
    ) -> None:
        """Fill `_surfaces` with those of a view with the axes R (3, 3) from `margin` before the extent's low corner."""
        origin, side = low[:2] - np.float32(margin), np.float32(cell)
        shape, half = surfaces[0].shape, np.float32(self.voxel / 3)
        nearest, masked = np.full(shape, np.inf, np.float32), np.full(shape, np.inf, np.float32)
        compiled.nearest_in_cells(points, target, self.hidden, half, R, origin, side, nearest, masked)
        limits = np.array([low[2] - BEYOND, high[2] + BEYOND, self.lift], np.float32)
        drawn = (part.numpy() for part in surfaces)
        compiled.with_plane(nearest, masked, R, origin, side, self.plane, limits, *drawn)


def _by_coordinate(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Those of points (N, 3) that are targets, as `SolidScene.targets`."""
    return np.ascontiguousarray(np.compress(target, points, axis=0).T)


def _surfaces(height: int, width: int) -> Tuple[torch.Tensor, ...]:
    """Surface, surface with the support lifted, where grasps may be centred, and what is bare, each (height, width),
    still to be filled."""
    kinds = (torch.float32, torch.float32, torch.bool, torch.bool)
    return tuple(torch.empty((height, width), dtype=kind) for kind in kinds)


def _cells(size: np.ndarray, margin: float, cell: float) -> Tuple[int, int]:
    """Columns and rows of a view of `size` (2 or 3,) [m] and `margin` [m] around it."""
    return round((float(size[0]) + 2 * margin) / cell) + 1, round((float(size[1]) + 2 * margin) / cell) + 1


def solid_scene(
    views: Sequence[CameraView],
    support: Optional[SupportPlane],
    reach: float,
    options: SolidOptions = SolidOptions(),
) -> SolidScene:
    """The solids of what cameras saw, in the first one's frame; some pixel of theirs may be grasped.

    What hides from one camera is free where another sees through it. reach: shadows count this far around what may be
    grasped [m].
    """
    plane = NO_PLANE if support is None else np.append(support.normal, support.offset).astype(np.float32)
    noise = np.float32(0 if support is None else support.noise)
    pitch = max(_pitch(view) for view in views if view.graspable.any())
    clouds = _without_support([_points_above(view, plane, noise, options) for view in views], pitch)
    points, target = (np.concatenate(part) for part in zip(*clouds))
    targets = _by_coordinate(points, target)
    low, high = compiled.extent_of(targets, np.eye(3, dtype=np.float32))
    low, high = low - np.float32(reach), high + np.float32(reach)
    voxel = np.float32(max(options.voxel, float(np.prod(high - low) / MOST_VOXELS) ** (1 / 3)))
    grid = np.zeros(tuple(int(n) for n in np.ceil((high - low) / voxel).astype(int) + 1), np.uint8)
    few = compiled.mark_seen(points, target, low, voxel, grid)
    hidden = np.zeros((0, 3), np.float32)
    if options.shadow > 0:
        seen = [points[few]] if len(views) == 1 else [cloud for cloud, _ in clouds]
        hidden = _hidden(views, seen, plane, low, voxel, grid, options)
    height = float(plane[3] - (plane[:3] @ targets).min())
    return SolidScene(points, target, targets, few, hidden, float(voxel), plane, options.support, pitch, height)


def _points_above(
    view: CameraView, plane: np.ndarray, noise: np.float32, options: SolidOptions
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (N, 3) float32 [m] of a camera above a plane (4,), both in the first camera's frame, which of them may be
    grasped, and which stand higher than the plane's noise."""
    R, t = view.T_first_cam[:3, :3], view.T_first_cam[:3, 3]
    own = np.append(plane[:3] @ R, plane[3] - plane[:3] @ t).astype(np.float32)
    rays, flat = view.camera.rays(), np.float32(options.flat)
    points, *which = compiled.points_above(view.depth, view.graspable, *rays, own, noise, flat)
    if not np.array_equal(view.T_first_cam, np.eye(4)):
        points = transforms.apply(view.T_first_cam, points).astype(np.float32)
    return (points, *which)


def _without_support(
    clouds: Sequence[Tuple[np.ndarray, np.ndarray, np.ndarray]], pitch: float
) -> List[Tuple[np.ndarray, np.ndarray]]:
    """The points of `_points_above`, and which of them may be grasped; of a mask that takes in the support with what
    stands on it, what stands alone. pitch: side of a pixel [m]."""
    flat = sum(np.count_nonzero(target & ~stands) for _, target, stands in clouds)
    standing = sum(np.count_nonzero(target & stands) for _, target, stands in clouds)
    if flat < max(standing, BROAD / pitch**2) or standing < LEAST_STANDING * flat:
        return [(points, target) for points, target, _ in clouds]
    return [(points[stands], target[stands]) for points, target, stands in clouds]


def _hidden(
    views: Sequence[CameraView],
    seen: Sequence[np.ndarray],
    plane: np.ndarray,
    low: np.ndarray,
    voxel: np.float32,
    grid: np.ndarray,
    options: SolidOptions,
) -> np.ndarray:
    """A place (M, 3) [m] in each outer voxel of what hides behind the points that each camera saw; marked in the
    grid."""
    longest = np.float32(options.shadow)
    stop: np.ndarray = plane - np.array([0, 0, 0, options.flat], np.float32)
    found = []
    for view, points in zip(views, seen):
        eye = view.T_first_cam[:3, 3].astype(np.float32)
        places = compiled.mark_hidden(points, eye, low, voxel, grid, stop, longest)
        open_to_others = np.zeros(len(places), bool)
        for other in views:
            if other is not view:
                open_to_others |= _behind_is_seen(places, other, 2 * voxel)
        compiled.set_free(places[open_to_others], low, voxel, grid)
        found.append(places[~open_to_others])
    hidden = np.concatenate(found)
    return hidden[compiled.beside_free(hidden, grid, low, voxel)]


def _behind_is_seen(places: np.ndarray, view: CameraView, margin: np.float32) -> np.ndarray:
    """Whether (N,) bool a camera sees further than places (N, 3) [m] and `margin` [m] behind them."""
    points = transforms.apply(transforms.invert(view.T_first_cam), places)
    ahead = points[:, 2] > 1e-3
    size = np.array([view.camera.width, view.camera.height])
    px = np.rint(view.camera.project(np.where(ahead[:, None], points, 1.0)))
    inside = ahead & ((px >= 0) & (px < size)).all(axis=1)
    u, v = np.where(inside[:, None], px, 0).astype(int).T
    return inside & (view.depth[v, u] > points[:, 2] + margin)


def _pitch(view: CameraView) -> float:
    """Side [m] of a pixel where things may be grasped."""
    depths = view.depth[view.graspable & (view.depth > 0)]
    return float(np.median(depths[::16])) / min(view.camera.fx, view.camera.fy)
