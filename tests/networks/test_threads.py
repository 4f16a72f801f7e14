import threading

import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render

from antipodal.grasp import Gripper
from antipodal.networks.model import METRIC_CROP, PIXEL_CROP, GraspNetwork
from antipodal.networks.score import make_score
from antipodal.networks.threads import MIN_ROWS_PER_THREAD, ThreadedNetwork, single_threaded_torch
from antipodal.planner import GraspPlanner


class Recording(torch.nn.Module):
    """Notes the thread and the number of rows of every call."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, rows):
        self.seen.append((threading.current_thread().name, len(rows)))
        return rows[:, 0]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, MIN_ROWS_PER_THREAD, MIN_ROWS_PER_THREAD + 1, 5 * MIN_ROWS_PER_THREAD + 3])
def test_shared_rows_come_back_whole_and_in_order(count, n):
    a, b = torch.rand(n, 8), torch.rand(n, 3)
    network = torch.nn.Bilinear(8, 3, 2)
    shared = ThreadedNetwork(network, count)
    assert shared(a, b).shape == (n, 2)
    torch.testing.assert_close(shared(a, b), network(a, b))
    assert not shared(a, b).requires_grad


def test_rows_are_shared_where_they_are_worth_a_thread():
    network, here = Recording(), threading.current_thread().name
    shared = ThreadedNetwork(network, 3)
    shared(torch.zeros(MIN_ROWS_PER_THREAD, 1))
    assert network.seen == [(here, MIN_ROWS_PER_THREAD)]
    network.seen.clear()
    shared(torch.zeros(6 * MIN_ROWS_PER_THREAD, 1))
    assert [size for _, size in network.seen] == [2 * MIN_ROWS_PER_THREAD] * 3
    assert sum(name == here for name, _ in network.seen) == 1


def test_what_another_thread_raises_is_raised_here():
    class Failing(torch.nn.Module):
        def forward(self, rows):
            if rows[0] > 0:
                raise ValueError("from the second part")
            return rows

    with pytest.raises(ValueError, match="from the second part"):
        ThreadedNetwork(Failing(), 2)(torch.arange(2 * MIN_ROWS_PER_THREAD))


@pytest.mark.parametrize("crop", [{"input": PIXEL_CROP, "size": 32, "window": 96}, {"input": METRIC_CROP}])
def test_networks_of_both_kinds_of_crops_are_shared(crop, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    network = make_score(GraspNetwork("patch").eval(), crop, Gripper()).network
    assert isinstance(network, ThreadedNetwork) and network.count == 3


def test_torch_has_its_threads_back_afterwards():
    before = torch.get_num_threads()
    with pytest.raises(ValueError), single_threaded_torch():
        assert torch.get_num_threads() == 1
        raise ValueError
    assert torch.get_num_threads() == before


def test_a_plan_is_the_same_on_any_number_of_threads():
    depth, _ = render([box((0, 0), (0.04, 0.06, 0.05), 0.3)])
    torch.manual_seed(0)
    network = GraspNetwork("patch").eval()
    plans = [GraspPlanner(ThreadedNetwork(network, count)).plan(depth, CAMERA, seed=3) for count in (1, 3)]
    for one, other in zip(plans[0].grasps, plans[1].grasps):
        np.testing.assert_allclose(one.T_cam_grasp, other.T_cam_grasp, atol=1e-9)
        assert one.quality == pytest.approx(other.quality, abs=1e-6)
