"""Views that lean on a support, and several of them as the tiles of one image: one pass of a stage then serves all."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from antipodal.perception.view import View

BARE = 100.0  # depth of bare cells, for what asks how far things stand out of them [m]


@dataclass(frozen=True)
class ObliqueView(View):
    """A view that leans on the support, whose plane is part of its surface; its `table` is inf."""

    bare: torch.Tensor = field(default_factory=lambda: torch.empty(0))

    def things(self) -> torch.Tensor:
        """The surface (H, W) [m] of what stands on the support; BARE where nothing does."""
        return self._things

    @cached_property
    def _things(self) -> torch.Tensor:
        return torch.where(self.bare, BARE, self.depth)


@dataclass(frozen=True)
class ViewAtlas:
    """Tiles one below the other, each with so wide a border that nothing near what may be grasped reaches the next."""

    view: ObliqueView  # of all tiles; its x and y are places in the atlas, its depths those along each tile's direction
    lifted: torch.Tensor  # (H, W) as the view's depth, with the support lifted [m]
    frames: np.ndarray  # (V, 4, 4) `T_cam_view` of the tiles
    shift: torch.Tensor  # (V, 2) float32, from places in the atlas to places in each tile's view [m]
    last_row: torch.Tensor  # (V,) first row that lies below each tile

    def tile(self, xy: torch.Tensor) -> torch.Tensor:
        """Which tile (N,) places (N, 2) [m] of the atlas lie in."""
        row = self.view.to_cells(xy)[:, 1].round().long().contiguous()
        return torch.searchsorted(self.last_row, row, right=True).clamp(max=len(self.frames) - 1)

    def in_tile(self, xy: torch.Tensor, tile: torch.Tensor) -> torch.Tensor:
        """Places (N, 2) [m] of the atlas as places in the views of their tiles (N,)."""
        return xy + self.shift[tile]
