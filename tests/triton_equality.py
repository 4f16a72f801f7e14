"""Every Triton kernel against its torch twin; run with TRITON_INTERPRET=1, before anything imports Triton, by
test_triton.py, and without it on a GPU."""

import math
import sys
import traceback
from dataclasses import replace

import numpy as np
import torch
from device_scenes import HEAP, draws
from scenes import CAMERA, HEIGHT, render

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import SamplingOptions
from antipodal.grasping.clearance import Clearance, ClearanceOptions
from antipodal.grasping.clearance_gpu import OpeningSearch
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import score_gpu
from antipodal.networks.architectures import PatchNet
from antipodal.networks.model import GraspNetwork
from antipodal.networks.score import CropScore
from antipodal.perception.view import View, make_view
from antipodal.perception.view_gpu import DeviceView
from antipodal.planner import PlannerOptions
from antipodal.planning import cem_gpu
from antipodal.planning.cem import CEMOptions
from antipodal.planning.gpu_pipeline import GpuOptions, GpuPipeline, SceneTensors

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
GRIPPER = Gripper(max_width=0.07)


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def scene(n=9, shape=(50, 70)):
    """A rough view, and grasps of which some lie on and beyond its border."""
    depth = 0.6 + 0.1 * random(*shape)
    nothing = torch.zeros_like(depth, dtype=torch.bool)
    view = View(depth, nothing, nothing, None, (-0.06, 0.02), 0.002, 0.7)
    centre = torch.stack([0.20 * random(n, seed=1) - 0.09, 0.16 * random(n, seed=2), 0.6 + 0.1 * random(n, seed=3)], 1)
    return view, ViewGrasps(centre, 6.3 * random(n, seed=4), 0.07 * random(n, seed=5))


def with_and_without(function):
    take = backends.uses_triton
    fast = function()
    backends.uses_triton = lambda tensor: False
    try:
        with backends.torch_only():
            return fast, function()
    finally:
        backends.uses_triton = take


def network_input_equals_its_twin():
    for shape in ((50, 70), (1, 9), (33, 1)):
        view, grasps = scene(shape=shape)
        fast, plain = with_and_without(lambda: score_gpu.network_input(view, grasps, GRIPPER))  # noqa: B023
        assert fast.shape == (len(grasps), 1, 32, 32) and fast.std() > 0
        torch.testing.assert_close(fast, plain, atol=2e-4, rtol=0)


def stem_equals_its_twin():
    view, grasps = scene()
    for channels in (16, 64):
        torch.manual_seed(channels)
        layer = PatchNet(channels).to(DEVICE).stem
        fast, plain = with_and_without(lambda: score_gpu.stem(view, grasps, GRIPPER, layer))  # noqa: B023
        assert (plain > 0).any() and (plain == 0).any()
        torch.testing.assert_close(fast, plain, atol=4e-4, rtol=0)


def score_equals_the_planners():
    view, grasps = scene()
    torch.manual_seed(0)
    for network in (GraspNetwork("patch"), GraspNetwork("patch", channels=48), GraspNetwork("resnet")):
        network = network.eval().to(DEVICE)
        network.temperature.fill_(1.7)
        expected = CropScore(network, GRIPPER)(view, grasps)
        torch.testing.assert_close(score_gpu.FusedScore(network, GRIPPER)(view, grasps), expected, atol=1e-3, rtol=0)


def heap():
    """A view of boxes on a table, and grasps all over it."""
    depth, mask = render(HEAP)
    view = make_view(torch.from_numpy(depth), CAMERA, torch.from_numpy(mask), np.array([0, 0, 1.0]), HEIGHT, 0.06)
    tensors = {name: getattr(view, name).to(DEVICE) for name in ("depth", "graspable", "inside")}
    place = view.to_metres(torch.nonzero(view.graspable).flip(1)[::23].float()).to(DEVICE)
    centre = torch.nn.functional.pad(place, (0, 1)) + 0.003 * random(len(place), 3)
    return replace(view, **tensors), ViewGrasps(centre, 6.3 * random(len(place), seed=4), place[:, 0])


def widest_opening_equals_its_twin():
    view, grasps = heap()
    coarse = [torch.tensor(value) for value in (*view.origin, 0.003, view.table)]
    on_device = DeviceView(view.depth, view.graspable, view.inside, None, tuple(coarse[:2]), *coarse[2:], finest=0.002)
    fixed = torch.where(random(*view.depth.shape, seed=9) < 0.001, view.depth, torch.inf)
    for case, walls in ((view, None), (replace(view, table=math.inf), None), (on_device, None), (view, fixed)):
        _widest_opening_equals(case, grasps, walls)


def _widest_opening_equals(view, grasps, fixed):
    clearance, fitting = Clearance(view, Gripper(), ClearanceOptions(), fixed), OpeningSearch((1.0, 0.75, 0.5))
    (found, range_), (plain, expected) = with_and_without(lambda: fitting(clearance, grasps))
    feasible = expected.feasible
    assert 0 < feasible.sum() < len(feasible) and len(plain.width.unique()) > 1
    same = (found.width == plain.width) & (range_.feasible == feasible)
    assert same.float().mean() > 0.95  # a point on the border of two cells may fall into either
    for a, b in ((range_.shallowest, expected.shallowest), (range_.deepest, expected.deepest)):
        assert torch.isclose(a, b, atol=1e-5)[same].float().mean() > 0.95


def mixture_equals_its_twin():
    for count, weighing, components in ((75, 75, 5), (75, 40, 5), (16, 16, 5), (300, 290, 3), (9, 0, 2)):
        points = torch.cat([random(count, 3), 0.3 * random(count, 3, seed=1)], dim=1)
        points[::3] += 1
        weight = (torch.arange(count, device=DEVICE) < weighing).float()
        options = CEMOptions(components=components)
        fast, plain = with_and_without(lambda: cem_gpu.fit_mixture(points, weight, options))  # noqa: B023
        alive = plain[0] > 0
        assert torch.equal(fast[0] > 0, alive)
        for a, b in zip(fast, plain):
            torch.testing.assert_close(a[alive], b[alive], atol=1e-3, rtol=1e-3)


def plan_equals_its_twin():
    """A small plan, whose every step is a kernel where there is one; the reply is the same to the last grasp."""
    options = PlannerOptions(sampling=SamplingOptions(pairs=24), cem=CEMOptions(iterations=2, samples=24))
    torch.manual_seed(0)
    score = score_gpu.FusedScore(GraspNetwork("patch").eval().to(DEVICE), Gripper())
    fixed = GpuPipeline(score, Gripper(), options, CAMERA, GpuOptions())
    parts = (*map(torch.from_numpy, render(HEAP)), torch.eye(3), torch.tensor(HEIGHT), torch.zeros(16, 8))
    scene = SceneTensors(*(part.to(DEVICE) for part in parts))
    drawn = draws(options=options).to(torch.device(DEVICE))
    with backends.torch_only():
        fast, plain = with_and_without(lambda: fixed(scene, drawn))
    found = torch.isfinite(plain)
    assert found.sum() > 200 and torch.equal(torch.isfinite(fast), found)
    assert torch.isclose(fast[found], plain[found], atol=1e-3).float().mean() > 0.97


CHECKS = {
    f.__name__: f
    for f in (
        network_input_equals_its_twin,
        stem_equals_its_twin,
        score_equals_the_planners,
        mixture_equals_its_twin,
        widest_opening_equals_its_twin,
        plan_equals_its_twin,
    )
}

if __name__ == "__main__":
    assert backends.uses_triton(torch.zeros(1, device=DEVICE)), "the kernels would not be used"
    with torch.inference_mode():
        for name in sys.argv[1:]:
            try:
                CHECKS[name]()
                print(f"{name}: equal")
            except Exception:  # the other checks are run all the same
                traceback.print_exc()
