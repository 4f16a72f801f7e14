"""What the tests of a GPU's plan share."""

import numpy as np
import torch
from scenes import box

from antipodal.grasp import Gripper
from antipodal.planner import PlannerOptions
from antipodal.planning.random_draws import Draws

BAR = box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)
HEAP = [BAR, box((-0.05, 0.03), (0.05, 0.05, 0.06), 0.9), box((0.04, -0.05), (0.09, 0.03, 0.02), 0.2)]
OPTIONS, GRIPPER = PlannerOptions(), Gripper()


def draws(seed=0, options=OPTIONS):
    return Draws.of_seed(seed, options.table, options.sampling, options.cem)


def uniform(n, seed=0):
    return torch.rand(n, generator=torch.Generator().manual_seed(seed))


def noisy(depth, seed=0):
    return (depth + np.random.default_rng(seed).normal(0, 0.0008, depth.shape)).astype(np.float32)
