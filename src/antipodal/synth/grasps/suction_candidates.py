"""Suction grasps to label: on the surface that a camera sees, along observed normals as planning takes them, along true
normals, and along tilted ones, so that both sides are seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from antipodal import transforms
from antipodal.networks.suction_crops import suction_axes
from antipodal.perception.surface_normals import local_planes
from antipodal.suction_cup import SuctionCup
from antipodal.synth.images.photo import Photo
from antipodal.synth.images.render import NOTHING
from antipodal.synth.labels.near_surface import Triangles
from antipodal.synth.labels.seal import STRETCH, stretches


@dataclass(frozen=True)
class SuctionCandidateOptions:
    """Shares of the kinds of candidates; the rest comes along true normals."""

    observed: float = 0.6  # along the normals of local planes of the noisy image
    tilted: float = 0.2  # true normals, tilted at random
    most_tilt: float = 0.5  # [rad]
    sealing: float = 0.5  # share of candidates that seal at their nominal pose, where the scene has as many
    tries: int = 6  # places looked at for each candidate that is wanted


@dataclass(frozen=True)
class SuctionCandidates:
    """N suction grasps in the camera's frame."""

    contact: np.ndarray  # (N, 3) on the observed surface [m]
    approach: np.ndarray  # (N, 3) unit
    face: np.ndarray  # (N,) of the scene under the middle

    @property
    def T_cam_grasp(self) -> np.ndarray:
        """Poses (N, 4, 4), turned about the approach as planning turns them."""
        T = np.tile(np.eye(4), (len(self.contact), 1, 1))
        T[:, :3, :3], T[:, :3, 3] = suction_axes(self.approach), self.contact
        return T


def sample_suction(
    photo: Photo,
    surface: Triangles,
    cup: SuctionCup,
    count: int,
    rng: np.random.Generator,
    options: SuctionCandidateOptions = SuctionCandidateOptions(),
) -> SuctionCandidates:
    """`count` grasps on what the photo shows of the scene's `surface` (in the table's frame), with repetition where it
    shows little; fewer only where it shows none of it."""
    places = _visible(photo, count * options.tries, cup, rng)
    if not len(places.face):
        return places
    places = _with_other_approaches(places, photo, surface, rng, options)
    T_table_grasp = transforms.invert(photo.T_cam_scene) @ places.T_cam_grasp
    seals = stretches(surface, T_table_grasp, cup) <= STRETCH
    order = np.argsort(~seals, kind="stable")
    first = min(int(seals.sum()), round(options.sealing * count))
    rest = rng.permutation(order[int(seals.sum()) :])[: count - first]
    chosen = np.concatenate([order[:first], rest])
    chosen = np.concatenate([chosen, order[first : first + count - len(chosen)]])  # where all seal
    return _at(places, rng.permutation(np.resize(chosen, count)))


def _at(places: SuctionCandidates, index: np.ndarray) -> SuctionCandidates:
    return SuctionCandidates(places.contact[index], places.approach[index], places.face[index])


def _visible(photo: Photo, count: int, cup: SuctionCup, rng: np.random.Generator) -> SuctionCandidates:
    """Up to `count` grasps along observed normals, at pixels that show the scene."""
    rows, columns = np.nonzero((photo.face != NOTHING) & (photo.depth > 0))
    drawn = rng.integers(len(rows), size=count) if len(rows) else np.empty(0, int)
    pixels = np.column_stack([columns[drawn], rows[drawn]])
    planes = local_planes(photo.depth, photo.camera, pixels, cup.radius)
    places = SuctionCandidates(planes.point, -planes.normal, photo.face[pixels[:, 1], pixels[:, 0]])
    return _at(places, np.flatnonzero(np.isfinite(planes.residual)))


def _with_other_approaches(
    places: SuctionCandidates,
    photo: Photo,
    surface: Triangles,
    rng: np.random.Generator,
    options: SuctionCandidateOptions,
) -> SuctionCandidates:
    """The grasps, some of them along true normals, and tilted from these."""
    n, kind = len(places.face), rng.random(len(places.face))
    a, b, c = np.moveaxis(surface.corners[places.face], 1, 0)
    normal = np.cross(b - a, c - a) @ photo.T_cam_scene[:3, :3].T
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-30
    inward = normal * np.where((normal * places.contact).sum(axis=1) > 0, 1.0, -1.0)[:, None]
    spin = Rotation.from_rotvec(rng.normal(size=(n, 3)) * 0.577 * options.most_tilt * rng.random((n, 1)))
    tilted = spin.apply(inward)
    approach = np.where((kind < options.observed)[:, None], places.approach, inward)
    approach = np.where((kind >= 1 - options.tilted)[:, None], tilted, approach)
    ahead = (approach * places.contact).sum(axis=1) > 0  # what leans away from the camera would come from below
    approach = np.where(ahead[:, None], approach, places.approach)
    return SuctionCandidates(places.contact, approach / np.linalg.norm(approach, axis=1, keepdims=True), places.face)
