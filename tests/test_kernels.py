"""Every compiled kernel equals its torch twin."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from antipodal import clearance, kernels, sampling
from antipodal.kernels import footprint
from antipodal.kernels.march import march


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shared", [True, False])
def test_highest_under_footprints(shared):
    depth, n = 0.5 + random(60, 80), 200
    column, row = 90 * random(n, seed=1) - 5, 70 * random(n, seed=2) - 5
    angle = 6.3 * random(n, seed=3)
    offsets = 30 * random(1 if shared else n, 40, 2, seed=4) - 15
    arguments = depth, column, row, torch.cos(angle), torch.sin(angle), offsets
    compiled = footprint.highest(*(a.numpy() for a in arguments))
    np.testing.assert_array_equal(compiled, clearance.highest(*arguments).numpy())


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
    plain = sampling.march(*arguments, reach, 0.8, choice, wanted)
    compiled = march(*(a.numpy() for a in arguments), reach, np.float32(0.8), choice.numpy(), wanted)
    np.testing.assert_array_equal(compiled, plain.numpy())
    assert reach < 2 or (plain > 0).any()


@pytest.mark.parametrize("shape", [(90, 70), (1, 9), (2, 2)])
def test_edges_normals_and_neighbourhoods(shape, monkeypatch):
    depth = 0.7 - 0.05 * (F.avg_pool2d(random(1, 1, *shape), 5, 1, 2)[0, 0] > 0.5) + 0.002 * random(*shape, seed=1)
    mask = random(*shape, seed=2) < 0.05
    compiled = *sampling.depth_edges(depth, 0.002), sampling.grow(mask, 2), clearance._nearest_of_nine(depth)
    monkeypatch.setattr(kernels, "take", lambda tensor: False)
    plain = *sampling.depth_edges(depth, 0.002), sampling.grow(mask, 2), clearance._nearest_of_nine(depth)
    for a, b in zip(compiled, plain):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert shape[0] < 10 or plain[0].any()
