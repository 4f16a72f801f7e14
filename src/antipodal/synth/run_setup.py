"""What all shards of a run share."""

from __future__ import annotations

from typing import NamedTuple, Sequence

import numpy as np

from antipodal.camera import Camera
from antipodal.grasp import Hand
from antipodal.synth.objects.piles import Pile
from antipodal.synth.objects.prepared import ObjectFolder
from antipodal.synth.options import GenerateOptions
from antipodal.synth.scene import TableScene


class Setup(NamedTuple):
    """A run as those who make its shards need it."""

    objects: ObjectFolder
    mesh_index: Sequence[int]  # of each object in the manifest's list of meshes
    gripper: Hand
    camera: Camera
    options: GenerateOptions
    seed: int
    piles: Sequence[Pile] = ()  # where objects lie together


class Drawn(NamedTuple):
    """A scene drawn for a shard."""

    scene: TableScene
    which: np.ndarray  # (B,) the run's objects that lie in it
    pose: int  # number of the object's pose, or of the pile
    number: int  # which scene of the shard


def with_ids(batch: dict, drawn: Drawn, view: int) -> dict:
    """A view's samples with what tells them from those of other scenes and views."""
    n = len(batch["labels"])
    ids = {"pose": (drawn.pose, np.int16), "scene": (drawn.number, np.int32), "view": (view, np.int16)}
    batch.update({name: np.full(n, value, dtype=kind) for name, (value, kind) in ids.items()})
    return {**batch, "grasp": np.arange(n, dtype=np.int16)}
