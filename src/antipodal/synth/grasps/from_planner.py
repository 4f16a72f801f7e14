"""Candidates of planning's own image sampler, so that training sees what planning meets."""

from __future__ import annotations

import numpy as np
import torch

from antipodal import transforms
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import SamplingOptions, sample_antipodal
from antipodal.perception.view import View
from antipodal.perception.view_atlas import ObliqueView
from antipodal.synth.images.scene_view import SceneView
from antipodal.synth.table_grasps import TableGrasps


def propose(view: SceneView, gripper: Gripper, count: int, rng: np.random.Generator) -> TableGrasps:
    """Up to `count` antipodal pairs of depth edges in a view, on the table (tip height 0); `width` their distance."""
    options = SamplingOptions(pairs=2 * count + 10)
    generator = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
    pairs, _ = sample_antipodal(_as_view(view), gripper, generator, options)
    chosen = rng.permutation(len(pairs.angle))[:count]
    centre, angle = pairs.center.numpy()[chosen].astype(float), pairs.angle.numpy()[chosen].astype(float)
    T_scene_view = transforms.invert(view.T_view_scene)
    points = np.column_stack([centre, np.full(len(chosen), view.T_view_scene[2, 3])])
    tips = transforms.apply(T_scene_view, points)
    tips[:, 2] = 0
    axis = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ T_scene_view[:2, :2].T
    return TableGrasps(tips, np.arctan2(axis[:, 1], axis[:, 0]), pairs.extent.numpy()[chosen].astype(float))


def _as_view(view: SceneView) -> View:
    """The view as planning's modules take it."""
    depth, graspable = torch.from_numpy(view.depth), torch.from_numpy(view.graspable)
    shape = (depth, graspable, torch.ones_like(graspable), np.eye(4), view.origin, view.cell)
    if view.bare is not None:
        return ObliqueView(*shape, float("inf"), bare=torch.from_numpy(view.bare))
    return View(*shape, float(view.T_view_scene[2, 3]))
