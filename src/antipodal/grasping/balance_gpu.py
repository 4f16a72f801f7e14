"""As `balance`, by operations of fixed shape."""

from __future__ import annotations

import torch

from antipodal.perception.components_gpu import components
from antipodal.perception.view import View


def distance_to_centroid_gpu(view: View) -> torch.Tensor:
    """As `balance.distance_to_centroid`, for any device."""
    pieces, (H, W) = components(view.graspable), view.graspable.shape
    index = torch.arange(H * W, device=view.depth.device)
    row, column = index // W, index % W
    area = pieces.areas().clamp_min(1)
    middle_row = pieces.per_piece(pieces.per_run(row, "sum"), "sum", 0)[pieces.label] / area
    middle_column = pieces.per_piece(pieces.per_run(column, "sum"), "sum", 0)[pieces.label] / area
    distance = torch.hypot(column - middle_column, row - middle_row) * view.cell
    return torch.where(view.graspable, distance.view(H, W), 0.0)
