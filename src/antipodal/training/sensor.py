"""Adds a depth sensor's noise to clean crops during training, so that each epoch sees new noise.

What `synth.noise` does to an image, in units of a crop: the gamma factor and the correlated Gaussian of Dex-Net 2.0
(Mahler et al., RSS 2017), and lost pixels, filled as planning fills them. Independent noise of pixels, which a crop's
coarser pixels average out, and losses at edges and in shadows, which need the scene, are left to the generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from antipodal.errors import InputError
from antipodal.networks.crops import CLIP, EXTENT, SIZE
from antipodal.perception.view import CELL_PIXELS, ViewOptions, fill_deepest
from antipodal.synth.images.noise import NoiseOptions
from antipodal.synth.shards import ShardDataset, column
from antipodal.training.samples import Samples


@dataclass(frozen=True)
class Draws:
    """The random numbers for the noise of N crops."""

    factor: torch.Tensor  # (N,) multiplies all depths
    grid: torch.Tensor  # (N, 1, M, M) standard normal, from which the correlated noise is interpolated
    phase: torch.Tensor  # (N, 2) offset of that grid against the crop
    loss: torch.Tensor  # (N, SIZE, SIZE) in [0, 1); a pixel is lost if this is below its probability

    def __getitem__(self, index) -> Draws:
        return Draws(self.factor[index], self.grid[index], self.phase[index], self.loss[index])


class Sensor:
    """Adds a sensor's noise to crops of samples that were `seen` so (N, 3), see `sightings`."""

    def __init__(self, seen: np.ndarray, noise: NoiseOptions):
        self.noise, self.seen = noise, torch.from_numpy(seen.astype(np.float32))
        depth, opening, focal = self.seen.unbind(1)
        self.pitch = depth / focal  # width of the camera's pixels at the grasp [m]
        self.spacing = (noise.correlation * self.pitch * SIZE / (EXTENT * opening)).clamp_min(0.25)  # [crop pixels]
        if noise.crop_correlation > 0:
            self.spacing = torch.full_like(self.spacing, noise.crop_correlation)
        cell = (CELL_PIXELS * self.pitch).clamp_min(ViewOptions().cell)
        self.chance = (
            noise.speckle_loss ** (cell / self.pitch) ** 2
        )  # probability that all pixels of a view's cell are lost
        self.nodes = int(np.ceil(SIZE / float(self.spacing.min()))) + 2

    def draw(self, count: int, seed: Sequence[int]) -> Draws:
        """Random numbers for `count` crops."""
        rng, shape = np.random.default_rng(seed), self.noise.gamma_shape
        factor = rng.gamma(shape, 1 / shape, count) if np.isfinite(shape) else np.ones(count)
        grid = rng.standard_normal((count, 1, self.nodes, self.nodes), dtype=np.float32)
        if self.noise.correlated_rate < 1:
            grid *= rng.random((count, 1, 1, 1)) < self.noise.correlated_rate
        phase, loss = rng.random((count, 2), dtype=np.float32), rng.random((count, SIZE, SIZE), dtype=np.float32)
        return Draws(*(torch.from_numpy(a) for a in (factor.astype(np.float32), grid, phase, loss)))

    def disturb(self, crops: torch.Tensor, index: np.ndarray, draws: Draws) -> torch.Tensor:
        """Clean crops (N, 1, SIZE, SIZE) of the samples at `index` (N,) with the sensor's noise."""
        device, chosen = crops.device, torch.from_numpy(np.asarray(index))
        depth, opening, _ = self.seen[chosen].to(device)[:, :, None, None, None].unbind(1)
        z = (depth + crops * opening) * draws.factor.to(device)[:, None, None, None]
        growth = (z / self.noise.reference) ** 2 if self.noise.reference > 0 else 1.0
        z = z + growth * self.noise.correlated_sd * _interpolate(draws, self.spacing[chosen]).to(device)
        z = _fill_unobserved(z, draws.loss >= self.chance[chosen][:, None, None])
        return ((z - depth) / opening).clamp_(-CLIP, CLIP)


def sightings(samples: Samples) -> np.ndarray:
    """How samples were seen (N, 3) float32: depth of the grasp [m], widest opening [m], focal length [pixels].

    Raises InputError where they do not say so.
    """
    return np.concatenate([_camera_distance(dataset) for dataset in samples.datasets])


def _camera_distance(dataset: Any) -> np.ndarray:
    if not isinstance(dataset, ShardDataset) or not isinstance(dataset.manifest["run"].get("camera"), dict):
        raise InputError(
            "sensor noise can be added to the generator's samples only; others do not say how they are seen"
        )
    run, depth = dataset.manifest["run"], column(dataset.folder, "center")[:, 2]
    fixed = np.array([run["gripper"]["max_width"], run["camera"]["fx"]], dtype=np.float32)
    return np.column_stack([depth, np.broadcast_to(fixed, (len(depth), 2))]).astype(np.float32)


def _interpolate(draws: Draws, spacing: torch.Tensor) -> torch.Tensor:
    """The grid (N, 1, SIZE, SIZE) between nodes `spacing` (N,) crop pixels apart, as strong as at its nodes."""
    at = torch.arange(SIZE)[None, :] / spacing[:, None]
    x, y = (at + phase[:, None] for phase in draws.phase.unbind(1))
    points = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), dim=-1)
    normed = 2 * points / (draws.grid.shape[-1] - 1) - 1
    between = F.grid_sample(draws.grid, normed, mode="bilinear", padding_mode="border", align_corners=True)
    share_x, share_y = (a - a.floor() for a in (x, y))
    weight_x, weight_y = (((1 - a) ** 2 + a**2).rsqrt() for a in (share_x, share_y))  # a mean of nodes varies less
    return between * weight_x[:, None, None, :] * weight_y[:, None, :, None]


def _fill_unobserved(z: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
    """Depths (N, 1, SIZE, SIZE) with unobserved pixels (N, SIZE, SIZE) filled as in a view."""
    for i in torch.nonzero(~observed.flatten(1).all(dim=1))[:, 0].tolist():
        z[i, 0] = fill_deepest(z[i, 0], observed[i].to(z.device))
    return z
