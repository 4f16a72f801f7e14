"""Triton kernels that go from a view to the network's input, or past its first layer, without a crop in memory.

`network_input_triton` is the twin of `crops.surface_crops_torch` and `crops.normalise`; `stem_triton` of these followed
by the patch network's first layer. Both sample bilinearly and repeat the border, as the twins do. Import only where
`backends.uses_triton` says so: Triton compiles on the first launch.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

TILE = 256  # pixels of a crop that one program of `network_input_triton` makes: several make one crop


def network_input_triton(
    depth: torch.Tensor,
    frame: torch.Tensor,
    center: torch.Tensor,
    angle: torch.Tensor,
    size: int,
    side: float,
    unit: float,
    clip: float,
) -> torch.Tensor:
    """Network input (N, 1, size, size) float32 of N grasps, columns along the closing axis.

    depth: (H, W) float32 [m] of a view; frame: (3,) x and y of its cell (0, 0) and its cells' side [m]; center: (N, 3)
    [m]; angle: (N,) [rad]; side: of a crop [m]; values are depths from the grasps' in `unit` [m], clipped to +- clip.
    """
    depth, center, angle = depth.contiguous(), center.contiguous(), angle.contiguous()
    out = torch.empty((len(angle), 1, size, size), device=depth.device)
    grid = (len(angle), triton.cdiv(size * size, TILE))
    H, W = depth.shape
    _network_input[grid](depth, frame, center, angle, out, H, W, side / size, 1 / unit, clip, SIZE=size, TILE=TILE)
    return out


def stem_triton(
    depth: torch.Tensor,
    frame: torch.Tensor,
    center: torch.Tensor,
    angle: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    size: int,
    side: float,
    unit: float,
    clip: float,
) -> torch.Tensor:
    """ReLU of the convolution of `network_input_triton` by filters as wide as their stride: (N, C, size / k, size / k).

    weight: (C, 1, k, k) and bias: (C,) float32; C a power of two, k * k and (size / k)^2 too and at least 16 each.
    """
    channels, _, k, _ = weight.shape
    patches = size // k
    depth, center, angle = depth.contiguous(), center.contiguous(), angle.contiguous()
    out = torch.empty((len(angle), channels, patches, patches), device=depth.device)
    H, W = depth.shape
    shape = {"SIZE": size, "K": k, "PATCHES": patches, "CHANNELS": channels}
    arguments = (depth, frame, center, angle, weight.contiguous(), bias, out, H, W, side / size, 1 / unit, clip)
    _stem[(len(angle),)](*arguments, **shape)
    return out


@triton.jit
def _network_input(
    depth, frame, center, angle, out, H, W, step, scale, clip, SIZE: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    n = tl.program_id(0)
    pixel = tl.program_id(1) * TILE + tl.arange(0, TILE)
    value = _crop_values(depth, frame, center, angle, n, pixel // SIZE, pixel % SIZE, H, W, step, scale, clip, SIZE)
    tl.store(out + n * SIZE * SIZE + pixel, value, mask=pixel < SIZE * SIZE)


@triton.jit
def _stem(
    depth, frame, center, angle, weight, bias, out, H, W, step, scale, clip,
    SIZE: tl.constexpr, K: tl.constexpr, PATCHES: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """One grasp: its crop as a matrix (patches, taps), sampled straight into registers, times (taps, channels)."""
    n = tl.program_id(0)
    patch, tap, channel = tl.arange(0, PATCHES * PATCHES), tl.arange(0, K * K), tl.arange(0, CHANNELS)
    row = (patch // PATCHES * K)[:, None] + (tap // K)[None, :]
    column = (patch % PATCHES * K)[:, None] + (tap % K)[None, :]
    crop = _crop_values(depth, frame, center, angle, n, row, column, H, W, step, scale, clip, SIZE)
    filters = tl.load(weight + channel[None, :] * (K * K) + tap[:, None])
    # "ieee": tf32 would round the crop to 10 bits; 16 taps are too few for the tensor cores to matter
    features = tl.dot(crop, filters, input_precision="ieee") + tl.load(bias + channel)[None, :]
    place = (n * CHANNELS + channel[None, :]) * (PATCHES * PATCHES) + patch[:, None]
    tl.store(out + place, tl.maximum(features, 0.0))


@triton.jit
def _crop_values(depth, frame, center, angle, n, row, column, H, W, step, scale, clip, SIZE: tl.constexpr):
    """Normalised depths at crop pixels (row, column) of grasp n."""
    cell = tl.load(frame + 2)
    x0 = (tl.load(center + 3 * n) - tl.load(frame)) / cell
    y0 = (tl.load(center + 3 * n + 1) - tl.load(frame + 1)) / cell
    a = tl.load(angle + n)
    c, s = tl.cos(a) * step / cell, tl.sin(a) * step / cell
    along, across = column + (0.5 - 0.5 * SIZE), row + (0.5 - 0.5 * SIZE)
    surface = _bilinear(depth, x0 + c * along - s * across, y0 + s * along + c * across, H, W)
    relative = (surface - tl.load(center + 3 * n + 2)) * scale
    return tl.minimum(tl.maximum(relative, -clip), clip)


@triton.jit
def _bilinear(depth, x, y, H, W):
    """Depth at fractional cells (x, y); beyond the border, the border's."""
    x = tl.minimum(tl.maximum(x, 0.0), W - 1.0)
    y = tl.minimum(tl.maximum(y, 0.0), H - 1.0)
    u, v = x.to(tl.int32), y.to(tl.int32)
    right, below = tl.minimum(u + 1, W - 1), tl.minimum(v + 1, H - 1)
    fx, fy = x - u, y - v
    a, b = tl.load(depth + v * W + u), tl.load(depth + v * W + right)
    c, d = tl.load(depth + below * W + u), tl.load(depth + below * W + right)
    upper, lower = a + fx * (b - a), c + fx * (d - c)
    return upper + fy * (lower - upper)
