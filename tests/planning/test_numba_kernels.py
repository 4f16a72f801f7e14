"""Every compiled kernel equals its torch twin."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping import antipodal_pairs, clearance
from antipodal.grasping.antipodal_pairs_numba import march_numba
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.perception.view import View


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("table", [0.7, math.inf])
@pytest.mark.parametrize("walls", [False, True])
@pytest.mark.parametrize("gripper", [Gripper(), Gripper(max_width=0.05, jaw_length=0.03, tip=0.004)])
def test_clearance_at_the_widest_opening(table, walls, gripper):
    rough = 0.7 - 0.04 * (F.avg_pool2d(random(1, 1, 120, 160), 9, 1, 4)[0, 0] > 0.5) + 0.002 * random(120, 160, seed=1)
    seen = random(120, 160, seed=2) < 0.999
    view = View(rough, seen, seen, np.eye(4), (-0.16, -0.12), 0.002, table)
    centre = (random(400, 3, seed=3) - 0.5) * torch.tensor([0.34, 0.26, 0.0])  # some lie beyond the border
    grasps = ViewGrasps(centre, 6.3 * random(400, seed=4), torch.zeros(400))
    fixed = torch.where(random(120, 160, seed=5) < 0.004, rough, torch.inf) if walls else None
    here = clearance.Clearance(view, gripper, fixed=fixed)
    compiled, depths = here.widest_opening(grasps, (1.0, 0.75, 0.5))
    plain, expected = clearance.widest_opening(here, grasps, (1.0, 0.75, 0.5))
    assert len(plain.width.unique()) >= 2 and 0 < expected.feasible.sum() < 400
    for ours, twin in [(compiled.width, plain.width), (depths.shallowest, expected.shallowest)]:
        torch.testing.assert_close(ours, twin, rtol=0, atol=0)
    torch.testing.assert_close(depths.deepest, expected.deepest, rtol=0, atol=0)


@pytest.mark.parametrize("reach, wanted", [(40, 10**6), (40, 50), (2, 50), (1, 50)])
def test_march_from_edge_to_opposing_edge(reach, wanted):
    edges = random(70, 90) < 0.2
    angle = 6.3 * random(70, 90, seed=1)
    normals = torch.stack([torch.cos(angle), torch.sin(angle)])
    start = (random(500, 2, seed=2) * torch.tensor([89, 69])).round()
    heading = 6.3 * random(500, seed=3)
    direction = torch.stack([torch.cos(heading), torch.sin(heading)], -1)
    arguments = start, direction, edges, normals
    choice = random(500, seed=4)
    plain = antipodal_pairs.march(*arguments, reach, 0.8, choice, wanted)
    compiled = march_numba(*(a.numpy() for a in arguments), reach, np.float32(0.8), choice.numpy(), wanted)
    np.testing.assert_array_equal(compiled, plain.numpy())
    assert reach < 2 or (plain > 0).any()


@pytest.mark.parametrize("shape", [(90, 70), (1, 9), (2, 2)])
def test_edges_normals_and_neighbourhoods(shape, monkeypatch):
    depth = 0.7 - 0.05 * (F.avg_pool2d(random(1, 1, *shape), 5, 1, 2)[0, 0] > 0.5) + 0.002 * random(*shape, seed=1)
    mask = random(*shape, seed=2) < 0.05
    compiled = (
        *antipodal_pairs.depth_edges(depth, 0.002),
        antipodal_pairs.grow(mask, 2),
        clearance._nearest_around(depth, 1),
    )
    monkeypatch.setattr(backends, "uses_numba", lambda tensor: False)
    plain = (
        *antipodal_pairs.depth_edges(depth, 0.002),
        antipodal_pairs.grow(mask, 2),
        clearance._nearest_around(depth, 1),
    )
    for a, b in zip(compiled, plain):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert shape[0] < 10 or plain[0].any()
