"""The plan of a GPU, here on the CPU: same answers as the planner's stages, and nothing read back on the way."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from device_scenes import BAR, GRIPPER, HEAP, OPTIONS, draws, noisy, request
from scenes import CAMERA, box, overhead, render
from torch.utils._python_dispatch import TorchDispatchMode

from antipodal import backends, transforms
from antipodal.grasping.clearance import Clearance
from antipodal.networks.score_gpu import FusedScore
from antipodal.perception.table import find_table
from antipodal.perception.view import make_view as view_on_cpu
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning.cem import CEMOptions
from antipodal.planning.cuda_graph import GpuPlanner
from antipodal.planning.gpu_pipeline import COUNTS, GpuOptions, GpuPipeline, SceneTensors
from antipodal.planning.request import Request

WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "lift_fresh")


class PrefersMiddle(torch.nn.Module):
    """Stands for a trained network: likes an object that fills the middle of the crop on both sides alike."""

    def forward(self, crops, conditions):
        solid = (crops[:, 0] < -0.02).float()
        x = torch.arange(32, device=crops.device) / 15.5 - 1
        off = (solid * x).sum((1, 2)) ** 2 + (solid * x[:, None]).sum((1, 2)) ** 2
        return 3 - 10 * off / solid.sum((1, 2)).clamp_min(1) ** 2 - (solid[:, 16].sum(-1) / 16)


NETWORK = PrefersMiddle()


def planner(options=OPTIONS, sizes=GpuOptions()):
    return GpuPlanner(NETWORK, GRIPPER, options, torch.device("cpu"), sizes)


class NothingReadBack(TorchDispatchMode):
    """Refuses what would make a GPU's host wait, or what a CUDA graph cannot hold: values and shapes that depend on
    values, and tensors made from Python's numbers."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls += 1
        name = func.overloadpacket.__name__
        assert name not in WAITS, func
        if name in ("index", "index_put", "index_put_"):
            assert not any(i is not None and i.dtype == torch.bool for i in args[1]), f"{func} by a mask"
        return func(*args, **(kwargs or {}))


def test_nothing_is_read_back():
    depth, mask = render(HEAP)
    scene = SceneTensors(
        torch.from_numpy(depth), torch.from_numpy(mask), torch.eye(3), torch.tensor(0.7), torch.zeros(16, 8)
    )
    fixed = GpuPipeline(FusedScore(NETWORK, GRIPPER), GRIPPER, OPTIONS, CAMERA, GpuOptions())
    # not in inference mode: a tensor given where a number is wanted is then read back unseen by the watch
    with torch.no_grad(), backends.torch_only(), NothingReadBack() as watched:
        reply = fixed(scene, draws())
    assert watched.calls > 100 and torch.isfinite(reply[9 + len(COUNTS) :]).any()


def test_the_watch_sees_what_it_forbids():
    for wait in (lambda t: bool(t.any()), lambda t: t[t > 0], lambda t: t + torch.tensor([1.0, 2.0, 3.0])):
        with pytest.raises(AssertionError), NothingReadBack():
            wait(torch.ones(3))


@pytest.mark.parametrize("tilt", [0.0, 0.3])
@pytest.mark.parametrize("masked", [True, False])
def test_plans_are_as_good_as_the_planners(tilt, masked):
    T_cam_table = overhead(tilt)
    depth, mask = render(HEAP, T_cam_table=T_cam_table)
    depth = noisy(depth)
    shown, asked = mask if masked else None, request(depth, mask if masked else None)
    on_cpu, on_gpu, seeds = GraspPlanner(NETWORK), planner(), range(6)
    expected = [on_cpu.plan(depth, CAMERA, shown, seed=s) for s in seeds]
    replies = [on_gpu.plan([asked], CAMERA, seed=s)[0] for s in seeds]
    scored = [np.mean([one.counts["scored"] for one in plans]) for plans in (replies, expected)]
    assert scored[0] == pytest.approx(scored[1], rel=0.15)  # of one seed it varies by as much
    expected, reply = expected[0], replies[0]
    assert float(reply.grasps.quality[0]) == pytest.approx(expected[0].quality, abs=0.03)
    for name in ("edges", "pairs", "fitting"):
        assert reply.counts[name] == pytest.approx(expected.counts[name], rel=0.15), name
    np.testing.assert_allclose(reply.T_cam_view[:3, 2], expected[0].T_cam_grasp[:3, 2], atol=2e-3)


def test_grasps_fit_by_the_planners_own_rules():
    depth, mask = render(HEAP)
    reply = planner().plan([request(depth)], CAMERA)[0]
    table = find_table(depth, CAMERA, np.random.default_rng(0))
    margin = GRIPPER.max_width / 2 + GRIPPER.jaw_thickness + 0.01
    view = view_on_cpu(torch.from_numpy(depth), CAMERA, torch.from_numpy(mask), table.normal, table.offset, margin)
    depths = Clearance(view, GRIPPER).depth_range(reply.grasps)
    z = reply.grasps.center[:, 2]
    # The two grids lie differently, by half a cell at most, and an edge moves with them.
    fits = (z >= depths.shallowest - 0.002) & (z <= depths.deepest + 0.002)
    o = PlannerOptions()
    assert len(z) > 0.7 * (o.candidates * o.depths + o.cem.iterations * o.cem.samples) and fits.float().mean() > 0.9


def test_same_seed_same_plan_and_another_seed_another():
    depth, _ = render(HEAP)
    there = planner()
    a, b, c = (there.plan([request(depth)], CAMERA, seed=s)[0].grasps.center for s in (1, 2, 1))
    assert torch.equal(a, c) and not torch.equal(a, b)


def test_a_batch_is_its_plans():
    one, other = render(HEAP)[0], render([BAR])[0]
    there = planner()
    both = there.plan([request(one), request(other)], CAMERA)
    for reply, depth in zip(both, (one, other)):
        assert torch.equal(reply.grasps.center, there.plan([request(depth)], CAMERA)[0].grasps.center)


def test_an_empty_scene_gives_counts_and_no_grasp():
    bare, mask = render([])
    reply = planner().plan([Request(bare, mask, np.array([0.0, 0, 1]), 0.7)], CAMERA)[0]
    assert len(reply.grasps) == 0 and set(reply.counts) == set(COUNTS) and not any(reply.counts.values())
    wide, mask = render([box((0, 0), (0.09, 0.083, 0.05))])
    reply = planner().plan([request(wide, mask)], CAMERA)[0]
    assert reply.counts["pairs"] > 0 and reply.counts["fitting"] == 0 and len(reply.grasps) == 0


def test_grasps_of_an_earlier_plan_are_candidates():
    depth, mask = render([BAR])
    earlier = list(GraspPlanner(NETWORK).plan(depth, CAMERA, mask, max_grasps=4))
    none = replace(OPTIONS, cem=CEMOptions(iterations=0))
    reply = planner(none).plan([request(depth, mask, earlier)], CAMERA)[0]
    before = planner(none).plan([request(depth, mask)], CAMERA)[0]
    assert len(before.grasps) < len(reply.grasps) <= len(before.grasps) + len(earlier)
    T = transforms.invert(reply.T_cam_view) @ earlier[0].T_cam_grasp
    near = (reply.grasps.center[:, :2] - torch.from_numpy(T[:2, 3])).norm(dim=1)
    assert near.min() < 1e-4


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("count", [1, 3])
def test_a_recorded_graph_plans_as_the_cpu_does(count):
    there = GpuPlanner(PrefersMiddle().cuda(), GRIPPER, OPTIONS, torch.device("cuda"))
    for seed in (0, 1, 0):  # a replay reads the new image and the new numbers
        depths = [noisy(render(HEAP)[0], k + 10 * seed) for k in range(count)]
        replies = there.plan([request(d) for d in depths], CAMERA, seed)
        for reply, expected in zip(replies, planner().plan([request(d) for d in depths], CAMERA, seed)):
            assert reply.counts == pytest.approx(expected.counts, rel=0.1)
            assert float(reply.grasps.quality[0]) == pytest.approx(float(expected.grasps.quality[0]), abs=0.03)
