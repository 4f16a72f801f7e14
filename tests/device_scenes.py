"""What the tests of a GPU's plan share."""

import numpy as np
import torch
from scenes import CAMERA, box

from antipodal.grasp import Gripper
from antipodal.perception.scene import perceive
from antipodal.planner import PlannerOptions
from antipodal.planning.random_draws import RandomDraws
from antipodal.planning.request import Request

BAR = box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)
HEAP = [BAR, box((-0.05, 0.03), (0.05, 0.05, 0.06), 0.9), box((0.04, -0.05), (0.09, 0.03, 0.02), 0.2)]
OPTIONS, GRIPPER = PlannerOptions(), Gripper()


def draws(seed=0, options=OPTIONS):
    return RandomDraws.of_seed(seed, options.sampling, options.cem)


def request(depth, mask=None, start=(), camera=CAMERA):
    """What the planner asks a pipeline for, given this image."""
    scene = perceive(depth, camera, mask)
    table = float("inf") if scene.support is None else scene.support.offset
    return Request(scene.depth, scene.graspable, scene.approach, table, start)


def uniform(n, seed=0):
    return torch.rand(n, generator=torch.Generator().manual_seed(seed))


def noisy(depth, seed=0):
    return (depth + np.random.default_rng(seed).normal(0, 0.0008, depth.shape)).astype(np.float32)
