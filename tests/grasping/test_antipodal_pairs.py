import numpy as np
import pytest
import torch
from scenes import box

from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import SamplingOptions, depth_edges, sample_antipodal
from tests.perception.test_view import view_of

YAW = 0.4
BAR = view_of([box((0.03, 0.02), (0.12, 0.04, 0.03), YAW)])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_pairs_span_the_bar_between_its_long_sides():
    pairs, edges = sample_antipodal(BAR, Gripper(), seeded())
    assert edges > 100 and len(pairs.angle) == SamplingOptions().pairs
    # the view's y is the table's -y, so the bar's short side lies at -YAW + pi/2
    off_normal = (pairs.angle.numpy() + YAW - np.pi / 2 + np.pi / 2) % np.pi - np.pi / 2
    across = np.abs(off_normal) < np.arctan(0.8)
    assert across.mean() > 0.9
    width = (pairs.extent.numpy() * np.cos(off_normal))[across]
    assert (np.abs(width - 0.04) < 0.008).mean() > 0.95  # the rest cut a corner


def test_extent_is_under_the_opening():
    pairs, _ = sample_antipodal(BAR, Gripper(max_width=0.05), seeded())
    assert pairs.extent.max() <= 0.05


def test_nothing_fits_into_too_narrow_jaws():
    pairs, edges = sample_antipodal(BAR, Gripper(max_width=0.008), seeded())
    assert edges > 0 and len(pairs.angle) == 0


def test_both_contacts_lie_in_the_friction_cone_of_their_edge():
    options = SamplingOptions(friction=0.3)
    pairs, _ = sample_antipodal(BAR, Gripper(), seeded(), options)
    edges, normals = depth_edges(BAR.depth, BAR.cell, options)
    way = torch.stack([torch.cos(pairs.angle), torch.sin(pairs.angle)], -1)
    for side in (-1, 1):
        contact = BAR.to_cells(pairs.center + side * way * pairs.extent[:, None] / 2).round().long()
        assert edges[contact[:, 1], contact[:, 0]].all()
        outward = normals[:, contact[:, 1], contact[:, 0]].T
        assert ((outward * way).sum(-1) * side > np.cos(np.arctan(0.3)) - 1e-4).all()


def test_same_seed_same_pairs():
    a, _ = sample_antipodal(BAR, Gripper(), seeded(5))
    b, _ = sample_antipodal(BAR, Gripper(), seeded(5))
    c, _ = sample_antipodal(BAR, Gripper(), seeded(6))
    assert torch.equal(a.center, b.center) and not torch.equal(a.center[:10], c.center[:10])


def test_normals_point_to_where_it_is_deeper():
    depth = torch.full((40, 40), 0.7)
    depth[10:30, 10:30] = 0.65
    edges, normals = depth_edges(depth, 0.002)
    v, u = torch.nonzero(edges, as_tuple=True)
    outward = torch.stack([u - 19.5, v - 19.5], -1)
    assert ((normals[:, v, u].T * outward).sum(-1) > 0).all()
    assert 70 <= len(v) <= 170  # one or two cells along each of the four sides


@pytest.mark.parametrize("slope, expected", [(0.3, 0), (2.0, 40)])
def test_edges_are_what_is_steeper_than_the_least_slope(slope, expected):
    ramp = 0.7 - slope * 0.002 * torch.arange(40.0).clamp(15, 25).expand(40, 40)
    edges, _ = depth_edges(ramp, 0.002, SamplingOptions(slope=0.6))
    assert bool(edges.any()) == bool(expected)
