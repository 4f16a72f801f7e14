"""The dense policy: one pass of a fully convolutional network scores every position, angle, depth and opening.

After Satish, Mahler and Goldberg, "On-policy dataset synthesis for learning robot grasping policies using fully
convolutional deep networks" (RA-L 2019), in the orthographic view: a height map is turned to every angle, and
`architectures.DenseNet` gives log odds around each of its pixels. The best peaks are where local search begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Sequence, Tuple, Union

import torch
import torch.nn.functional as F

from antipodal import networks
from antipodal.errors import ModelError
from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import crops
from antipodal.networks.dense_net import DenseNet
from antipodal.perception.option_limits import Within, check_options
from antipodal.perception.view import View


@dataclass(frozen=True)
class DenseOptions:
    """How finely the view is scanned and how much of it is kept."""

    WITHIN: ClassVar[Within] = {"peak_radius": (0, 1000)}
    angles: int = 16  # over half a turn
    peak_radius: int = 1  # a peak is the best of the pixels this far around it, at its angle
    proposals: int = 150  # peaks handed on, the best

    def __post_init__(self) -> None:
        check_options(self, "dense.")


@dataclass(frozen=True)
class TurnedImages:
    """A square image for each of A angles; its columns run along the closing axis, pixels are those of a crop."""

    center: torch.Tensor  # (A, 2) of each image in the view [m]
    angle: torch.Tensor  # (A,) of the closing axis from the view's x [rad]
    size: int  # pixels a side, a multiple of the network's stride
    pixel: float  # [m]

    def positions(self, image: torch.Tensor, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        """Where (..., 2) [m] outputs (row, column) of the images' scans lie in the view."""
        along, across = ((k + DenseNet.FIRST - self.size / 2) * self.pixel for k in (column, row))
        c, s = torch.cos(self.angle)[image], torch.sin(self.angle)[image]
        return self.center[image] + torch.stack([c * along - s * across, s * along + c * across], dim=-1)


@dataclass(frozen=True)
class Scan:
    """The log odds of every candidate."""

    logits: torch.Tensor  # (O, A, D, h, w): opening, angle, depth, row, column
    cost: torch.Tensor  # (A, h, w) log odds lost at a position; inf where no grasp may be centred
    top: torch.Tensor  # (A, h, w) highest surface between the open jaws, above the reference [openings]
    positions: torch.Tensor  # (A, h, w, 2) in the view [m]
    frames: TurnedImages

    @property
    def candidates(self) -> int:
        """How many candidates were scored where a grasp may be centred."""
        return int(torch.isfinite(self.cost).sum()) * self.logits.shape[0] * self.logits.shape[2]


def load_dense(path: Union[str, Path], device: torch.device) -> DenseNet:
    """The dense network of a model file, calibrated. Raises ModelError when the file holds none."""
    network, _ = networks.load(path, device=str(device))
    if not isinstance(network.body, DenseNet):
        raise ModelError(f"{path} holds the architecture {network.architecture}; the policy 'dense' needs a dense one")
    return network.body.calibrated(network.temperature)


def propose_by_scan(
    network: DenseNet,
    view: View,
    gripper: Gripper,
    openings: Sequence[float],
    penalty: torch.Tensor,
    options: DenseOptions = DenseOptions(),
) -> Tuple[ViewGrasps, int]:
    """The best peaks of a scan of the view, best first, and how many candidates were scored.

    openings: tried [widest openings]; penalty: (H, W) of the view's cells, subtracted from the log odds there.
    """
    scanned = scan(network, view, gripper, openings, penalty, options)
    return peaks(scanned, reference_depth(view), gripper, openings, options), scanned.candidates


def scan(
    network: DenseNet,
    view: View,
    gripper: Gripper,
    openings: Sequence[float],
    penalty: torch.Tensor,
    options: DenseOptions = DenseOptions(),
) -> Scan:
    """Log odds of all candidates in the view."""
    frames = turned_images(view, gripper, options.angles)
    heights = height_images(view, frames, gripper)
    turned = ViewGrasps(frames.center, frames.angle, frames.angle.new_tensor(openings) * gripper.max_width)
    logits, top = network.scan(heights, crops.conditions(turned.width, gripper))
    grid = (torch.arange(n, device=logits.device) for n in (len(frames.angle), *logits.shape[-2:]))
    positions = frames.positions(*torch.meshgrid(*grid, indexing="ij"))
    flat = positions.reshape(-1, 2)
    cost = torch.where(view.lookup(view.graspable, flat), view.lookup(penalty, flat), torch.inf)
    return Scan(logits, cost.view(positions.shape[:-1]), top, positions, frames)


def peaks(
    scanned: Scan, reference_depth: float, gripper: Gripper, openings: Sequence[float], options: DenseOptions
) -> ViewGrasps:
    """The best local maxima over position at each angle, with the depth and opening that score best there."""
    best = scanned.logits.amax(dim=0).amax(dim=1) - scanned.cost  # (A, h, w)
    around = F.max_pool2d(best[:, None], 2 * options.peak_radius + 1, stride=1, padding=options.peak_radius)[:, 0]
    height = torch.where((best == around) & torch.isfinite(best), best, torch.full_like(best, -torch.inf)).flatten()
    score, index = height.topk(min(options.proposals, int(torch.isfinite(height).sum())))
    w, image, place = best.shape[2], index // best[0].numel(), index % best[0].numel()
    opening, depth = _argmax(scanned.logits[:, image, :, place // w, place % w])
    below = depth * DenseNet.STEP - scanned.top.flatten()[index]
    z = reference_depth + below * gripper.max_width
    angle = scanned.frames.angle[image]
    center = torch.cat([scanned.positions.reshape(-1, 2)[index], z[:, None]], dim=1)
    width = score.new_tensor(openings)[opening] * gripper.max_width
    return ViewGrasps(center, angle, width, torch.sigmoid(score))


def _argmax(logits: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Opening and depth (N,) of the best of logits (N, O, D)."""
    which = logits.flatten(1).argmax(dim=1)
    return which // logits.shape[2], which % logits.shape[2]


def turned_images(view: View, gripper: Gripper, angles: int) -> TurnedImages:
    """Images at angles spread over half a turn, so large that the scan covers all that may be grasped."""
    angle = torch.arange(angles, device=view.depth.device) * (math.pi / angles)
    row, column = torch.nonzero(view.graspable, as_tuple=True)
    xy = view.to_metres(torch.stack([column, row], dim=-1).to(view.depth.dtype))
    axes = torch.stack([torch.cos(angle), torch.sin(angle), -torch.sin(angle), torch.cos(angle)]).view(2, 2, angles)
    turned = torch.einsum("nk,jka->ajn", xy, axes)  # along and across each closing axis
    low, high = (turned.amin(dim=-1), turned.amax(dim=-1)) if len(xy) else (turned.new_zeros(angles, 2),) * 2
    pixel = crops.pixel_side(gripper)
    size = DenseNet.image_size(math.ceil(float((high - low).max()) / pixel) + 1)
    center = torch.einsum("aj,jka->ak", (low + high) / 2, axes)
    return TurnedImages(center, angle, size, pixel)


def height_images(view: View, frames: TurnedImages, gripper: Gripper) -> torch.Tensor:
    """Heights (A, 1, S, S) above the reference [openings] in the frames."""
    grasps = ViewGrasps(frames.center, frames.angle, torch.full_like(frames.angle, gripper.max_width))
    surface = crops.surface_crops(view.depth, view.origin, view.cell, grasps, gripper, frames.size)
    return (reference_depth(view) - surface)[:, None] / gripper.max_width


def reference_depth(view: View) -> float:
    """Depth of the table, or where none was found of the deepest surface seen [m]."""
    return view.table if math.isfinite(view.table) else float(view.depth.max())
