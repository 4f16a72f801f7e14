"""Pictures of grasps on depth images, for people; the planning path never imports this."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Union

import cv2
import numpy as np

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.files import write_bytes
from antipodal.grasp import Grasp, Hand, probability
from antipodal.grasping.hand_shapes import hand_for, outline_of
from antipodal.perception.pixel_kinds import KINDS, Colour, coloured, kinds_of
from antipodal.perception.scene import Scene

FONT = cv2.FONT_HERSHEY_SIMPLEX
MISSING: Colour = (38, 22, 64)  # where the camera saw nothing: a hue that no depth has
MAX_CANDIDATES = 60  # more would hide the object
SOME = 10_000  # of an image's heights tell how high things are
_SUBPIXEL = 4  # cv2 draws at 1/16 pixel
_STOPS = [(0.0, (215, 48, 39)), (0.5, (254, 200, 60)), (1.0, (40, 190, 80))]  # red, amber, green


class Backdrop(NamedTuple):
    """What grasps are drawn on."""

    image: np.ndarray  # (H, W, 3) uint8 RGB
    legend: str = ""  # what its brightness means; "": it has no legend


def overlay(
    depth: np.ndarray,
    camera: Camera,
    grasps: Sequence[Grasp],
    hands: Union[Hand, Sequence[Hand]],
    candidates: Optional[Sequence[Grasp]] = None,
    scene: Optional[Scene] = None,
    drawn_on: Optional[Backdrop] = None,
) -> np.ndarray:
    """Grasps on a depth image (H, W, 3) uint8 RGB: grey, near = bright; with a scene by what each pixel was taken for,
    the higher over the support the brighter, and a legend.

    depth: (H, W) [m], 0 = missing. grasps: best first; each is drawn as the two open jaws or the lip of its hand, seen
    from the camera, coloured by quality from red (0) to green (1); the best is filled, joined by its closing axis and
    labelled. hands: one, or those that the grasps are for. candidates: what was considered, as faint lines from jaw to
    jaw or dots, thinned out to MAX_CANDIDATES. drawn_on: `backdrop` of these, where it is at hand. Raises InputError
    where depth does not fit the camera.
    """
    image, legend = drawn_on or backdrop(depth, camera, scene)
    image = image.copy()
    _draw_candidates(image, camera, candidates or [])
    for grasp in reversed(grasps[1:]):
        _draw_hand(image, camera, grasp, hand_for(grasp, hands), filled=False)
    if len(grasps):
        _draw_hand(image, camera, grasps[0], hand_for(grasps[0], hands), filled=True)
        _draw_axes(image, camera, grasps[:1], 2)
        _draw_label(image, grasps[0])
    if legend:
        _draw_legend(image, legend)
    return image


def backdrop(
    depth: np.ndarray, camera: Camera, scene: Optional[Scene] = None, kinds: Optional[np.ndarray] = None
) -> Backdrop:
    """The depth image (H, W) [m] without grasps, as `overlay` shades it. kinds: `kinds_of` the scene, where they are at
    hand. Raises InputError where depth does not fit the camera."""
    depth = np.asarray(depth)
    if depth.shape != (camera.height, camera.width):
        raise InputError(f"depth image is {depth.shape}, the camera's is {(camera.height, camera.width)}")
    return Backdrop(shade(depth)) if scene is None else shade_kinds(scene, camera, kinds)


def shade(depth: np.ndarray) -> np.ndarray:
    """Depth (H, W) [m] as grey (H, W, 3) uint8, stretched over the depths seen; missing pixels take MISSING."""
    depth = np.asarray(depth)
    seen = np.isfinite(depth) & (depth > 0)
    near, far = np.percentile(depth[seen], [0.5, 99.5]) if seen.any() else (0.0, 0.0)
    closeness = (far - np.where(seen, depth, far)) / max(far - near, 1e-6)
    grey = (60 + 160 * np.clip(closeness, 0, 1)).astype(np.uint8)
    return np.where(seen[..., None], grey[..., None], np.array(MISSING, np.uint8))


def shade_kinds(scene: Scene, camera: Camera, kinds: Optional[np.ndarray] = None) -> Backdrop:
    """What each pixel was taken for, the higher over the support the brighter. Without one as by `shade`, and blue
    where a grasp may lie. kinds: as of `backdrop`."""
    if scene.support is None:
        image, blue = shade(scene.depth), np.array(KINDS["graspable"][0], np.float32)
        image[scene.graspable] = 0.5 * image[scene.graspable] + 0.5 * blue
        return Backdrop(image, "no support was found")
    kinds = kinds_of(scene, camera) if kinds is None else kinds
    height = _heights_over_support(scene, camera)
    top = _top(scene, height)
    share = np.clip(height / np.float32(top), 0, 1)
    bright = np.where(kinds == list(KINDS).index("support"), np.float32(0.6), 0.45 + 0.55 * share)
    image = coloured(kinds, bright)
    image[scene.depth <= 0] = MISSING
    return Backdrop(image, f"brightest: {1e3 * top:.0f} mm high")


def _heights_over_support(scene: Scene, camera: Camera) -> np.ndarray:
    """Heights (H, W) [m] over the support."""
    assert scene.support is not None
    (x, y), (a, b, c) = camera.rays(), scene.support.normal
    return scene.support.offset - scene.depth * (x[None, :] * a + y[:, None] * b + c)


def _top(scene: Scene, height: np.ndarray) -> float:
    """Of heights (H, W) [m] the one that is brightest: of what may be grasped, or else of all that stands there."""
    heights = height[scene.graspable if scene.graspable.any() else scene.depth > 0]
    some = heights[:: 1 + len(heights) // SOME]
    return max(0.01, float(np.percentile(some, 99))) if len(some) else 0.1


def quality_colour(quality: float) -> Colour:
    """RGB of a quality in [0, 1]: red, amber, green."""
    share = min(max(quality, 0.0), 1.0)
    (low, start), (high, end) = _STOPS[:2] if share < _STOPS[1][0] else _STOPS[1:]
    along = (share - low) / (high - low)
    r, g, b = (round(a + along * (z - a)) for a, z in zip(start, end))
    return r, g, b


def hand_corners(grasp: Grasp, hand: Hand) -> np.ndarray:
    """Corners (K, C, 3) [m] in the camera frame of what is drawn of a hand, in drawing order (`outline_of`)."""
    return transforms.apply(grasp.T_cam_grasp, outline_of(hand, grasp.width))


def hand_words(grasp: Grasp) -> str:
    """What a label says of a grasp's hand: how far the jaws are open, or the name of the cup."""
    return f"{1e3 * grasp.width:.0f} mm open" if grasp.width > 0 else grasp.hand or grasp.kind


def write_png(path: Union[str, Path], image: np.ndarray) -> None:
    """Write an RGB image (H, W, 3) uint8, making its folder. Raises InputError where that cannot be written."""
    encoded = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))[1]
    write_bytes(path, encoded.tobytes())


def _draw_candidates(image: np.ndarray, camera: Camera, candidates: Sequence[Grasp]) -> None:
    ranked = sorted(candidates, key=lambda g: g.quality)
    lines = image.copy()
    _draw_axes(lines, camera, ranked[:: math.ceil(len(ranked) / MAX_CANDIDATES) or 1], 1)
    cv2.addWeighted(lines, 0.6, image, 0.4, 0, dst=image)


def _draw_hand(image: np.ndarray, camera: Camera, grasp: Grasp, hand: Hand, filled: bool) -> None:
    corners = hand_corners(grasp, hand)
    if corners[..., 2].min() <= 0:  # a hand behind the camera has no picture
        return
    colour = quality_colour(grasp.quality)
    for part in camera.project(corners):
        if filled:
            cv2.fillConvexPoly(image, _fixed(part), colour, cv2.LINE_AA, _SUBPIXEL)
        rim = (255, 255, 255) if filled else colour
        cv2.polylines(image, [_fixed(part)], True, rim, 1, cv2.LINE_AA, _SUBPIXEL)


def _draw_axes(image: np.ndarray, camera: Camera, grasps: Sequence[Grasp], thickness: int) -> None:
    """Of each grasp the line from jaw to jaw; of a cup a dot."""
    if not len(grasps):
        return
    T, width = np.stack([g.T_cam_grasp for g in grasps]), np.array([g.width for g in grasps])
    ends = T[:, None, :3, 3] + np.array([[-0.5], [0.5]]) * (T[:, None, :3, 1] * width[:, None, None])
    ahead = (ends[..., 2] > 0).all(axis=1)
    for k, (a, b) in zip(np.flatnonzero(ahead), _fixed(camera.project(ends[ahead])).tolist()):
        wide = thickness if width[k] > 0 else 3
        cv2.line(image, tuple(a), tuple(b), quality_colour(grasps[k].quality), wide, cv2.LINE_AA, _SUBPIXEL)


def _draw_label(image: np.ndarray, best: Grasp) -> None:
    text = f"{probability(best.quality)}, {hand_words(best)}"
    at = (8, image.shape[0] - 10)
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):  # a dark rim reads on any depth
        cv2.putText(image, text, at, FONT, 0.5, colour, thickness, cv2.LINE_AA)


def _draw_legend(image: np.ndarray, brightness: str) -> None:
    """Which colour is what, and what brightness means, in the upper left corner."""
    rows = [(colour, text) for colour, text in KINDS.values()]
    rows[list(KINDS).index("unseen")] = (MISSING, KINDS["unseen"][1])
    size, step = 0.35 * max(1.0, image.shape[1] / 640), round(14 * max(1.0, image.shape[1] / 640))
    longest = max(cv2.getTextSize(text, FONT, size, 1)[0][0] for text in (brightness, *(text for _, text in rows)))
    back = image[: step * len(rows) + step + 6, : longest + step + 12]
    back[:] = 0.35 * back
    for k, (colour, text) in enumerate([*rows, (None, brightness)]):
        if colour is not None:
            cv2.rectangle(image, (5, 5 + k * step), (5 + step - 4, k * step + step), colour, -1)
        cv2.putText(image, text, (step + 8, k * step + step), FONT, size, (255, 255, 255), 1, cv2.LINE_AA)


def _fixed(px: np.ndarray) -> np.ndarray:
    """Pixels as cv2's fixed-point integers, kept small enough for it."""
    return np.clip(np.round(px * 2**_SUBPIXEL), -(2**20), 2**20).astype(np.int32)
