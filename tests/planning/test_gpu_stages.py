"""The stages of a GPU's plan, here on the CPU, answer as the planner's do."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from device_scenes import HEAP, OPTIONS, draws, uniform
from scenes import CAMERA, overhead, render

from antipodal.camera import Camera
from antipodal.grasping.balance import distance_to_centroid
from antipodal.perception.components import connected_components
from antipodal.perception.components_gpu import components
from antipodal.perception.inputs import check_depth
from antipodal.perception.masked import first_true, pick_true
from antipodal.perception.scene import perceive
from antipodal.perception.table import find_table
from antipodal.perception.view import look_along
from antipodal.perception.view import make_view as view_on_cpu
from antipodal.perception.view_gpu import make_view_gpu
from antipodal.planning import cem_gpu, gpu_pipeline
from antipodal.planning.cem import CEMOptions
from antipodal.planning.cem import _fit_mixture as fit_on_cpu


def test_components_are_the_compiled_ones():
    mask = torch.rand(60, 80, generator=torch.Generator().manual_seed(0)) < 0.45  # below the percolation threshold
    expected = connected_components(mask.numpy(), diagonal=False)
    found = components(mask)
    areas = torch.where(mask.flatten(), found.areas(), 0).view(mask.shape)
    np.testing.assert_array_equal(areas, expected.paint(expected.areas()) * mask.numpy())
    few = components(torch.from_numpy(render(HEAP)[1]))
    assert len(few.label[torch.from_numpy(render(HEAP)[1]).flatten()].unique()) == 3


def test_a_spiral_is_one_piece():
    spiral, u, v, heading = torch.zeros(41, 41, dtype=torch.bool), 0, 0, 0
    for length in [40, *(n for k in range(40, 2, -2) for n in (k, k))][:30]:
        for _ in range(length):
            spiral[v, u] = True
            u, v = u + (1, 0, -1, 0)[heading], v + (0, 1, 0, -1)[heading]
        heading = (heading + 1) % 4
    assert len(components(spiral).label[spiral.flatten()].unique()) == 1


@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_the_view_is_the_planners_on_another_grid(tilt):
    depth, mask = render(HEAP, T_cam_table=overhead(tilt))
    table = find_table(depth, CAMERA, np.random.default_rng(0))
    rotation = torch.from_numpy(look_along(table.normal)[:3, :3]).float()
    offset = torch.tensor(table.offset, dtype=torch.float32)
    arguments = torch.from_numpy(depth), CAMERA, torch.from_numpy(mask)
    there = make_view_gpu(*arguments, rotation, offset, 0.06, 320, uniform(1000))
    here = view_on_cpu(*arguments, table.normal, table.offset, 0.06)
    assert float(there.cell) == pytest.approx(here.cell, rel=0.01)
    v, u = np.mgrid[: here.depth.shape[0], : here.depth.shape[1]]
    xy = here.to_metres(torch.from_numpy(np.stack([u, v], -1).reshape(-1, 2)).float())
    inside = here.inside.flatten()
    error = (there.lookup(there.depth, xy) - here.depth.flatten()).abs()[inside]
    assert (error < 0.004).float().mean() > 0.95
    assert (there.lookup(there.inside, xy) == inside).float().mean() > 0.98
    both = there.lookup(there.graspable, xy) == here.graspable.flatten()
    assert both.float().mean() > 0.97


def test_distance_to_the_middle_is_the_planners():
    depth, mask = render(HEAP)
    view = view_on_cpu(torch.from_numpy(depth), CAMERA, torch.from_numpy(mask), np.array([0, 0, 1.0]), 0.7, 0.06)
    torch.testing.assert_close(
        gpu_pipeline.distance_to_centroid_gpu(view), distance_to_centroid(view), atol=2e-5, rtol=0
    )


def test_pick_is_uniform_and_first_is_first():
    mask = torch.tensor([False, True, False, True, True, False])
    drawn = torch.bincount(pick_true(mask, uniform(9000)), minlength=6)
    assert drawn[~mask].sum() == 0 and (drawn[mask] / 3000 - 1).abs().max() < 0.06
    assert not pick_true(torch.zeros(5, dtype=torch.bool), uniform(9)).any()
    assert first_true(mask, 5).tolist() == [1, 3, 4, 5, 5]


def test_the_search_climbs_to_the_top_of_a_hill():
    top = torch.tensor([0.3, -0.2, 0.1, 0.4, 0.0, 0.2])
    start, valid = torch.randn(60, 6, generator=torch.Generator().manual_seed(0)), torch.arange(60) < 40

    def score(x):
        return x, -((x - top) ** 2).sum(dim=1)

    seen, scores = cem_gpu.maximise_gpu(
        score, start, valid, draws(options=replace(OPTIONS, cem=CEMOptions(6, 200))), CEMOptions(6, 200)
    )
    assert scores[:60][~valid].isneginf().all()
    assert scores.max() > 0.05 * scores[:40].max() and len(seen) == 60 + 6 * 200


@pytest.mark.parametrize("count, components", [(120, 2), (40, 5), (9, 5)])
def test_the_mixture_is_the_planners(count, components):
    points = torch.randn(count, 6, generator=torch.Generator().manual_seed(0))
    points[::2] += 2
    options = CEMOptions(components=components)
    weights, means, factors = cem_gpu.fit_mixture(points, torch.ones(count), options)
    expected = fit_on_cpu(points, options)
    alive = weights > 0
    assert alive.sum() == len(expected[0])
    for found, value in zip((weights, means, factors), expected):
        np.testing.assert_allclose(found[alive], value, atol=2e-3)


def test_samples_have_the_mixtures_moments():
    weights, means = torch.tensor([0.3, 0.7]), torch.tensor([[-2.0, 0.0], [2.0, 1.0]])
    factors = torch.tensor([[[0.1, 0], [0.2, 0.3]], [[0.2, 0], [0, 0.1]]])
    normal = torch.randn(20000, 2, generator=torch.Generator().manual_seed(0))
    drawn = cem_gpu.draw_from_mixture((weights, means, factors), uniform(20000), normal)
    left = drawn[:, 0] < 0
    assert left.float().mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(drawn[left].mean(0), means[0], atol=0.02)
    np.testing.assert_allclose(torch.cov(drawn[left].T), factors[0] @ factors[0].T, atol=0.01)


def test_elites_without_weight_change_nothing():
    points = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([points, 9 + points])
    weight = (torch.arange(100) < 50).float()
    for a, b in zip(
        cem_gpu.fit_mixture(points, torch.ones(50), CEMOptions()), cem_gpu.fit_mixture(padded, weight, CEMOptions())
    ):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_on_real_images_four_sweeps_name_the_pieces_that_thirty_two_name(real_depth_folder):
    files = sorted(real_depth_folder.glob("*.npy"))
    assert files
    for file in files:
        camera = Camera.load(file.with_suffix(".json"))
        found = torch.from_numpy(perceive(check_depth(np.load(file), camera), camera).graspable)
        pieces = [components(found, sweeps).label for sweeps in (4, 32)]
        assert torch.equal(*pieces), file.name
