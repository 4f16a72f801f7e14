"""Candidates of planning's own image sampler, so that training sees what planning meets."""

from __future__ import annotations

import numpy as np
import torch

from antipodal import transforms
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import SamplingOptions, sample_antipodal
from antipodal.perception.view import View
from antipodal.synth.images.scene_view import SceneView
from antipodal.synth.table_grasps import TableGrasps

ABOVE_TABLE = 0.003  # what is seen this far above the table may be grasped [m]


def propose(view: SceneView, gripper: Gripper, count: int, rng: np.random.Generator) -> TableGrasps:
    """Up to `count` antipodal pairs of depth edges in a view, on the table (tip height 0); `width` their distance."""
    options = SamplingOptions(pairs=2 * count + 10)
    generator = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
    pairs, _ = sample_antipodal(_as_view(view), gripper, generator, options)
    chosen = rng.permutation(len(pairs.angle))[:count]
    centre, angle = pairs.center.numpy()[chosen].astype(float), pairs.angle.numpy()[chosen].astype(float)
    T_table_view = transforms.invert(view.T_view_table)
    points = np.column_stack([centre, np.full(len(chosen), view.T_view_table[2, 3])])
    tips = transforms.apply(T_table_view, points)
    tips[:, 2] = 0
    axis = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ T_table_view[:2, :2].T
    return TableGrasps(tips, np.arctan2(axis[:, 1], axis[:, 0]), pairs.extent.numpy()[chosen].astype(float))


def _as_view(view: SceneView) -> View:
    """The view as planning's modules take it; what rises above the table may be grasped."""
    depth, table = torch.from_numpy(view.depth), float(view.T_view_table[2, 3])
    graspable = torch.from_numpy(view.observed) & (depth < table - ABOVE_TABLE)
    everywhere = torch.ones_like(graspable)
    return View(depth, graspable, everywhere, np.eye(4), view.origin, view.cell, table)
