"""What sensors do to depth: Dex-Net 2.0's gamma factor and correlated Gaussian, and what it left out: missing pixels at
edges and grazing angles, quantised disparity, and the shadow of the second viewpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Union

import numba
import numpy as np

from antipodal import resources
from antipodal.backends import EXACT
from antipodal.camera import Camera, camera_facts
from antipodal.errors import InputError
from antipodal.files import MOST, options_from_dict


@dataclass(frozen=True)
class NoiseOptions:
    """One sensor's errors. Depth errors are for `reference` metres and grow with depth squared, as disparity's do."""

    gamma_shape: float = 4e6  # multiplicative factor of mean 1 an image, standard deviation 1 / sqrt(shape)
    correlated_sd: float = 0.0007  # Gaussian, smooth over `correlation` pixels; root mean square [m]
    correlation: float = 4.0  # spacing of the grid that it is interpolated from [pixels]
    crop_correlation: float = 0.0  # the same in pixels of the network's crop, where one is made; 0: `correlation` is
    correlated_rate: float = 1.0  # share of the images that have it
    pixel_sd: float = 0.0005  # independent a pixel [m]
    reference: float = 0.7  # [m]; 0: errors do not grow with depth
    disparity_step: float = 0.0008  # of the inverse depth [1/m]; 0: not quantised
    edge_jump: float = 0.008  # depth steps between neighbours that make an edge [m]
    edge_loss: float = 0.5  # chance that a pixel at an edge is missing
    grazing: float = 4.0  # slope of a surface against the ray beyond which pixels go missing with `edge_loss`
    speckle_loss: float = 0.002  # chance that any pixel is missing
    baseline: float = 0.05  # of the second viewpoint, to the camera's right [m]; 0: no shadow

    def __post_init__(self) -> None:
        limits = {"gamma_shape": (1.0, np.inf), "correlation": (1.0, MOST)}
        limits.update({limit: (0.0, np.inf) for limit in ("edge_jump", "grazing")})
        limits.update({rate: (0.0, 1.0) for rate in ("correlated_rate", "edge_loss", "speckle_loss")})
        for name, value in vars(self).items():
            low, high = limits.get(name, (0.0, MOST))
            if not low <= value <= high:
                raise InputError(f"noise.{name} must be {low:g} to {high:g}, got {value:g}")


DEXNET2 = NoiseOptions(
    gamma_shape=1000.0,
    correlated_sd=0.005,
    correlation=12.0,  # a crop of 96 pixels is scaled to 32
    crop_correlation=4.0,
    correlated_rate=0.5,
    pixel_sd=0.0,
    reference=0.0,
    disparity_step=0.0,
    edge_loss=0.0,
    speckle_loss=0.0,
    baseline=0.0,
)
NONE = NoiseOptions(
    gamma_shape=np.inf,
    correlated_sd=0.0,
    pixel_sd=0.0,
    reference=0.0,
    disparity_step=0.0,
    edge_jump=np.inf,
    edge_loss=0.0,
    grazing=np.inf,
    speckle_loss=0.0,
    baseline=0.0,
)
NAMED = {"none": NONE, "real": NoiseOptions(), "dexnet2": DEXNET2}


def load_noise(name: str) -> NoiseOptions:
    """One of NAMED, or the `noise` that a camera's YAML file gives. InputError for anything else."""
    if name in NAMED:
        return NAMED[name]
    try:
        camera_file = resources.locate("cameras", name)
    except InputError as e:
        raise InputError(f"unknown noise {name!r}; possible: {', '.join(NAMED)}, or a camera: {e}") from e
    return noise_from_facts(camera_facts(camera_file), camera_file)


def sensor_errors(noise: Union[str, NoiseOptions]) -> Callable[[np.ndarray, Camera, np.random.Generator], np.ndarray]:
    """The function (clean depth, camera, generator) -> noisy depth of a noise by its name, or of these options."""
    options = load_noise(noise) if isinstance(noise, str) else noise
    return lambda depth, camera, rng: depth if options == NONE else add_noise(rng, depth, camera, options)


def noise_from_facts(facts: dict, camera_file: Path) -> NoiseOptions:
    """The defaults, changed by what a camera's file gives under `noise`."""
    try:
        return options_from_dict(NoiseOptions, facts.get("noise", {}), "noise.")
    except InputError as e:
        raise InputError(f"camera file {camera_file}: {e}") from e


def add_noise(rng: np.random.Generator, depth: np.ndarray, camera: Camera, options: NoiseOptions) -> np.ndarray:
    """A sensor's depth (H, W) float32 [m], 0 = missing, of a clean one in which 0 is missing too."""
    o = options
    missing = _missing(rng, depth, camera, o)
    noisy = depth * np.float32(rng.gamma(o.gamma_shape, 1 / o.gamma_shape) if np.isfinite(o.gamma_shape) else 1.0)
    size = [int(n / o.correlation) + 2 for n in depth.shape]
    sd = o.correlated_sd if o.correlated_rate >= 1 or rng.random() < o.correlated_rate else 0.0
    coarse = sd * rng.standard_normal(size, dtype=np.float32)
    fine = o.pixel_sd * rng.standard_normal(depth.shape, dtype=np.float32)
    _disturb(noisy, coarse, fine, missing, o.correlation, o.reference, o.disparity_step)
    return noisy


def _missing(rng: np.random.Generator, depth: np.ndarray, camera: Camera, o: NoiseOptions) -> np.ndarray:
    missing = depth <= 0
    if o.speckle_loss > 0 or o.edge_loss > 0:
        chance = rng.random(depth.shape, dtype=np.float32)
        _drop_pixels(depth, camera.fx, chance, o.edge_jump, o.edge_loss, o.grazing, o.speckle_loss, missing)
    if o.baseline > 0:
        _shadow(depth, camera.fx * o.baseline, missing)
    return missing


@numba.njit(cache=True)
def _drop_pixels(depth, focal, chance, jump, edge_loss, grazing, speckle_loss, missing):
    """Drop pixels at depth edges, where the surface slopes away from the ray, and by chance."""
    H, W = depth.shape
    beyond = np.empty(W + 2, np.float32)  # a row and, at its ends, the same values again
    f = np.float32
    limits = f(focal), f(jump), f(edge_loss), f(grazing), f(speckle_loss)
    for v in range(H):
        beyond[0], beyond[1:-1], beyond[-1] = depth[v, 0], depth[v], depth[v, W - 1]
        _lose_row(beyond, depth[max(v - 1, 0)], depth[min(v + 1, H - 1)], chance[v], limits, missing[v])


@numba.njit(cache=True, error_model="numpy")
def _lose_row(row, above, below, chance, limits, missing):
    """A loop of its own, so that it compiles to vectors. row: one pixel longer at either end."""
    focal, jump, edge_loss, grazing, speckle_loss = limits
    for u in range(len(missing)):
        here = row[u + 1]
        across, along = abs(row[u] - here), abs(row[u + 2] - here)
        up, down = abs(above[u] - here), abs(below[u] - here)
        across, up = across if across > along else along, up if up > down else down
        step = across if across > up else up
        edge = (step > jump) | (step * focal > grazing * here)
        missing[u] |= chance[u] < (edge_loss if edge else speckle_loss)


@numba.njit(cache=True)
def _shadow(depth, strength, missing):
    """Drop what a second viewpoint to the right cannot see: going left, its column must keep decreasing."""
    for v in range(depth.shape[0]):
        seen = np.inf
        for u in range(depth.shape[1] - 1, -1, -1):
            if depth[v, u] > 0:
                column = u - strength / depth[v, u]
                missing[v, u] |= column > seen + 0.5
                seen = min(seen, column)


@numba.njit(cache=True)
def _disturb(depth, coarse, fine, missing, correlation, reference, step):
    """Add errors to an image, in place. coarse: correlated errors at the nodes of a grid; fine: errors of pixels."""
    H, W = depth.shape
    columns, lefts, rights = np.empty(W, dtype=np.int64), np.empty(W, dtype=np.float32), np.empty(W, dtype=np.float32)
    wave = np.empty(W, dtype=np.float32)
    for u in range(W):
        columns[u], lefts[u], rights[u] = _between_nodes(u / correlation)
    for v in range(H):
        i, above, below = _between_nodes(v / correlation)
        line = above * coarse[i] + below * coarse[i + 1]
        for u in range(W):
            wave[u] = lefts[u] * line[columns[u]] + rights[u] * line[columns[u] + 1]
        _add_errors(depth[v], wave, fine[v], missing[v], np.float32(reference), np.float32(step))


@numba.njit(cache=True)
def _between_nodes(position):
    """The node before a position and the weights of it and the next one. Linear interpolation scaled so that a mean of
    two independent values varies as much as either."""
    node = int(position)
    share = position - node
    scale = 1 / np.sqrt((1 - share) ** 2 + share**2)
    return node, np.float32((1 - share) * scale), np.float32(share * scale)


@numba.njit(cache=True, fastmath=EXACT, error_model="numpy")
def _add_errors(depth, wave, fine, missing, reference, step):
    """Errors of one row and its steps of disparity; a loop of its own, so that it compiles to vectors."""
    one = np.float32(1)
    for u in range(len(depth)):
        ratio = depth[u] / reference if reference > 0 else one
        z = depth[u] + ratio * ratio * (fine[u] + wave[u])
        z = one / (step * np.rint(one / (step * z))) if step > 0 else z
        depth[u] = np.float32(0) if missing[u] else z
