"""As `fixed_pieces.fixed_surface`, by operations of fixed shape."""

from __future__ import annotations

import torch

from antipodal.grasping.antipodal_pairs import grow
from antipodal.grasping.fixed_pieces import FixedOptions
from antipodal.perception.components_gpu import ComponentTensors, components
from antipodal.perception.view import View


def fixed_surface_gpu(view: View, options: FixedOptions) -> torch.Tensor:
    """Depth (H, W) [m] of long pieces that stand on the table and may not be grasped, inf elsewhere."""
    standing = (view.depth < view.table - options.height) & ~grow(view.graspable, options.blur)
    pieces, (H, W) = components(standing), standing.shape
    index = torch.arange(H * W, device=standing.device)
    height, width = _length(pieces, index // W, H - 1), _length(pieces, index % W, W - 1)
    long = torch.hypot(height, width) * view.cell >= options.length
    return torch.where(standing & long.view(H, W), view.depth, torch.inf)


def _length(pieces: ComponentTensors, place: torch.Tensor, last: int) -> torch.Tensor:
    """Cells (H * W,) along one axis of the piece that every cell lies in; place: (H * W,) along that axis."""
    low, high = (
        pieces.per_piece(pieces.per_run(value, "amax"), "amax", 0)[pieces.label] for value in (last - place, place)
    )
    return (high - (last - low) + 1).float()
