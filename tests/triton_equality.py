"""Every Triton kernel against its torch twin; run with TRITON_INTERPRET=1, before anything imports Triton, by
test_triton.py, and without it on a GPU."""

import sys

import torch

from antipodal import fused
from antipodal.architectures import PatchNet
from antipodal.grasp import Gripper, ViewGrasps
from antipodal.kernels import gpu
from antipodal.networks import GraspNetwork
from antipodal.scoring import CropScore
from antipodal.views import View

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
    take = gpu.take
    fast = function()
    gpu.take = lambda tensor: False
    try:
        return fast, function()
    finally:
        gpu.take = take


def network_input_equals_its_twin():
    for shape in ((50, 70), (1, 9), (33, 1)):
        view, grasps = scene(shape=shape)
        fast, plain = with_and_without(lambda: fused.network_input(view, grasps, GRIPPER))  # noqa: B023
        assert fast.shape == (len(grasps), 1, 32, 32) and fast.std() > 0
        torch.testing.assert_close(fast, plain, atol=2e-4, rtol=0)


def stem_equals_its_twin():
    view, grasps = scene()
    for channels in (16, 64):
        torch.manual_seed(channels)
        layer = PatchNet(channels).to(DEVICE).stem
        fast, plain = with_and_without(lambda: fused.stem(view, grasps, GRIPPER, layer))  # noqa: B023
        assert (plain > 0).any() and (plain == 0).any()
        torch.testing.assert_close(fast, plain, atol=4e-4, rtol=0)


def score_equals_the_planners():
    view, grasps = scene()
    torch.manual_seed(0)
    for network in (GraspNetwork("patch"), GraspNetwork("patch", channels=48), GraspNetwork("resnet")):
        network = network.eval().to(DEVICE)
        network.temperature.fill_(1.7)
        expected = CropScore(network, GRIPPER)(view, grasps)
        torch.testing.assert_close(fused.FusedScore(network, GRIPPER)(view, grasps), expected, atol=1e-3, rtol=0)


CHECKS = {f.__name__: f for f in (network_input_equals_its_twin, stem_equals_its_twin, score_equals_the_planners)}

if __name__ == "__main__":
    assert gpu.take(torch.zeros(1, device=DEVICE)), "the kernels would not be used"
    with torch.inference_mode():
        CHECKS[sys.argv[1]]()
