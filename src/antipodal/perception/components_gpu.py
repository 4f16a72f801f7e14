"""Connected components by a fixed number of sweeps: labels pass through whole runs of a row, then of a column, and
names that met become one (Shiloach and Vishkin 1982), so that the sweeps needed grow with the logarithm of a piece's
turns. Four were as good as thirty-two on the real images of the tests; what needs more falls apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

SWEEPS, JUMPS = 4, 5


@dataclass(frozen=True)
class ComponentTensors:
    """4-connected pieces of a mask, flat (H * W,) int64; a piece is named by the largest flat index in it."""

    label: torch.Tensor  # the piece's name; outside the mask the pixel's own index
    begins: torch.Tensor  # bool, where a run within a row begins
    run: torch.Tensor  # number of that run, 0 outside the mask

    def per_run(self, values: torch.Tensor, reduce: str) -> torch.Tensor:
        """Non-negative `values` (H * W,) int64 reduced ("sum" or "amax") over each run, at its pixels."""
        return torch.zeros_like(values).scatter_reduce(0, self.run, values, reduce)[self.run]

    def per_piece(self, values: torch.Tensor, reduce: str, neutral: int) -> torch.Tensor:
        """`values` (H * W,) int64 where runs begin, reduced over each piece, at its name; elsewhere nothing meant."""
        # Pixels within a run write to places of their own: thousands that wait for one place would be slow.
        index = torch.where(self.begins, self.label, torch.arange(len(values), device=values.device))
        given = torch.where(self.begins, values, neutral)
        return torch.full_like(values, neutral).scatter_reduce(0, index, given, reduce)

    def areas(self) -> torch.Tensor:
        """Pixels of the piece that every pixel lies in (H * W,)."""
        return self.per_piece(self.per_run(torch.ones_like(self.run), "sum"), "sum", 0)[self.label]


def components(mask: torch.Tensor, sweeps: int = SWEEPS) -> ComponentTensors:
    """Pieces of a mask (H, W) bool."""
    flat = mask.flatten()
    own = torch.arange(len(flat), device=mask.device)
    rows, begins = _row_runs(mask)
    columns = _row_runs(mask.T)[0].view(mask.T.shape).T.flatten()
    label = own
    for _ in range(sweeps):
        before = label
        for run in (rows, columns):
            highest = torch.zeros_like(own).scatter_reduce(0, run, label, "amax")
            label = torch.where(flat, highest[run], own)
        # All that had one name take the best that any of them found, and that one's (Shiloach and Vishkin 1982).
        parent = own.scatter_reduce(0, before, label, "amax")
        for _ in range(JUMPS):
            parent = parent[parent]
        label = parent[before]
    return ComponentTensors(label, begins, rows)


def _row_runs(mask: torch.Tensor) -> tuple:
    """Numbers from 1 (H * W,) of the runs within the rows of a mask (H, W), 0 outside, and where they begin."""
    begins = (mask & ~torch.nn.functional.pad(mask, (1, 0))[:, :-1]).flatten()
    return begins.cumsum(dim=0) * mask.flatten(), begins
