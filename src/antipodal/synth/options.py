"""Everything that a run of the generator can be told, with Dex-Net 2.0's values as a preset."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Tuple

import numpy as np

from antipodal.camera import camera_facts
from antipodal.errors import POSITIVE, InputError
from antipodal.files import MOST, shown, with_values
from antipodal.networks import pixel_crops
from antipodal.networks.pixel_crops import PixelCrops
from antipodal.synth.grasps.candidates import CandidateOptions
from antipodal.synth.grasps.suction_candidates import SuctionCandidateOptions
from antipodal.synth.images import noise
from antipodal.synth.images.cameras import CameraOptions
from antipodal.synth.images.noise import NoiseOptions, noise_from_facts
from antipodal.synth.images.scene_view import SceneViewOptions
from antipodal.synth.labels.labels import LabelOptions
from antipodal.synth.labels.suction_labels import SuctionLabelOptions
from antipodal.synth.objects.piles import PileOptions
from antipodal.synth.objects.stable_poses import PoseOptions
from antipodal.synth.scene import SceneOptions

COUNTS = ("grasps", "views", "shard_poses", "draws", "tries", "objects", "piles", "max_poses")  # 1 or more
NOT_ZERO = ("cell", "first", "fine", "coarse", "max_side", "coarsen", "margin", "radius", "density", "mass")
MOST_PIXELS = 1024  # side of a pixel crop
MOST_LEAN = 1.4  # of approaches [rad]; beyond it the table is seen from its edge
PIXEL_RANGE = 1.8  # farthest camera of pixel crops, whose depths are stored up to 2 m [m]


@dataclass(frozen=True)
class SuctionDraws:
    """What is drawn for a suction cup, in place of `candidates` and `labels`."""

    candidates: SuctionCandidateOptions = field(default_factory=SuctionCandidateOptions)
    labels: SuctionLabelOptions = field(default_factory=SuctionLabelOptions)
    density: Tuple[float, float] = (300.0, 800.0)  # of an object, drawn uniformly [kg/m3]
    mass: Tuple[float, float] = (0.02, 1.0)  # limits of an object's mass [kg]


@dataclass(frozen=True)
class GenerateOptions:
    """p(S, u, y, x) of Dex-Net 2.0 (Mahler et al., RSS 2017, section III): what is drawn, and how often."""

    grasps: int = 100  # a pose
    views: int = 5  # a pose, each with all its grasps
    shard_poses: int = 20  # poses that go into one shard
    fit_opening: float = 0.0  # each object is scaled to be this share of the widest opening thick; 0: as it is
    lean: Tuple[float, float] = (0.0, 0.0)  # range of the angle between approach and table's normal [rad]
    pixel_window: int = 0  # Dex-Net's crops, of so many pixels of the camera; 0: metric crops, for any camera
    pixel_size: int = pixel_crops.SIZE  # side to which pixel crops are shrunk
    uniform_poses: bool = False  # all of an object's stable poses alike, instead of by their probability
    poses: PoseOptions = field(default_factory=PoseOptions)
    piles: PileOptions = field(default_factory=PileOptions)
    scene: SceneOptions = field(default_factory=SceneOptions)
    candidates: CandidateOptions = field(default_factory=CandidateOptions)
    labels: LabelOptions = field(default_factory=LabelOptions)
    cameras: CameraOptions = field(default_factory=CameraOptions)
    noise: NoiseOptions = field(default_factory=NoiseOptions)
    view: SceneViewOptions = field(default_factory=SceneViewOptions)
    suction: SuctionDraws = field(default_factory=SuctionDraws)

    def __post_init__(self) -> None:
        if not 0 <= self.lean[0] <= self.lean[1] <= MOST_LEAN:
            raise InputError(f"lean must be a range of angles from 0 to {MOST_LEAN} rad, got {list(self.lean)}")
        if self.pixel_window and max(self.lean):
            raise InputError("pixel crops are for approaches along the camera's axis: lean must be 0")
        if self.pixel_window not in (0, *range(2, MOST_PIXELS + 1)) or not 1 <= self.pixel_size <= MOST_PIXELS:
            got = f"{self.pixel_window} px wide, stored as {self.pixel_size} px"
            raise InputError(f"pixel crops cannot be {got}; possible: 2 to {MOST_PIXELS} px, or 0 for none")
        if self.pixel_window and self.cameras.radius[1] > PIXEL_RANGE:
            raise InputError(
                f"pixel crops hold depths up to 2 m; the camera may be {PIXEL_RANGE} m away at most, got "
                f"{self.cameras.radius[1]} m"
            )
        _check_numbers(self)

    @property
    def pixels(self) -> Optional[PixelCrops]:
        """Of Dex-Net's crops; None where they are metric."""
        return PixelCrops(self.pixel_window, self.pixel_size) if self.pixel_window else None

    @property
    def shard_samples(self) -> int:
        return self.shard_poses * self.views * self.grasps

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)


def _check_numbers(options: Any, prefix: str = "") -> None:
    """Raises InputError where a number of options, or of those within them, cannot be, or a range falls. Noise checks
    its own."""
    for name, value in vars(options).items():
        if dataclasses.is_dataclass(value) and name != "noise":
            _check_numbers(value, f"{prefix}{name}.")
        numbers = [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, (int, float))]
        least = 1 if name in COUNTS else POSITIVE if name in NOT_ZERO else 0
        if not all(least <= v <= MOST for v in numbers) or numbers != sorted(numbers):
            wanted = f"{'above 0' if least == POSITIVE else f'{least} or more'}, and a range its lower end first"
            raise InputError(f"option {prefix}{name} must be {wanted}, got {shown(value)}")


PRESETS = {
    "default": GenerateOptions(),
    "dexnet2": GenerateOptions(
        fit_opening=0.4,
        pixel_window=pixel_crops.WINDOW,
        uniform_poses=True,
        candidates=CandidateOptions(antipodal=1.0, near_miss=0.0, image=0.0, friction=0.5, fully_open=1.0),
        labels=LabelOptions(quality="robust_epsilon", draws=25, position_sd=0.005, height_sd=0.005, yaw_sd=0.1),
        cameras=CameraOptions(
            radius=(0.65, 0.75),
            polar=(0.05 * np.pi, 0.1 * np.pi),
            offset=0.1,
            focal_jitter=0.01,
            center_jitter=0.0,
            normal_error=0.0,
        ),
        noise=noise.DEXNET2,
    ),
}


def preset(name: str) -> GenerateOptions:
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}; possible: {', '.join(PRESETS)}")
    return PRESETS[name]


def for_sensor(options: GenerateOptions, camera_file: Path) -> GenerateOptions:
    """The options with the noise and the range of distances [m] that a camera's YAML gives under `noise`, `radius`."""
    facts = camera_facts(camera_file)
    radius = {"radius": facts["radius"]} if "radius" in facts else {}
    return dataclasses.replace(
        options,
        noise=noise_from_facts(facts, camera_file),
        cameras=with_values(options.cameras, radius, f"of camera file {camera_file}: "),
    )
