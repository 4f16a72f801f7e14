import threading

import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render

from antipodal.networks import GraspNetwork
from antipodal.planner import GraspPlanner
from antipodal.threads import LEAST, Threads, torch_alone


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, LEAST, LEAST + 1, 5 * LEAST + 3])
def test_shared_work_comes_back_whole_and_in_order(count, n):
    rows = torch.arange(n, dtype=torch.float32)
    torch.testing.assert_close(Threads(count).share(lambda part: 2 * rows[part], n), 2 * rows)


def test_work_is_shared_where_it_is_worth_a_thread():
    seen = []

    def ask(part):
        seen.append((threading.current_thread().name, part.stop - part.start))
        return torch.zeros(0)

    Threads(3).share(ask, LEAST)
    assert [size for _, size in seen] == [LEAST] and seen[0][0] == threading.current_thread().name
    seen.clear()
    Threads(3).share(ask, 6 * LEAST)
    assert [size for _, size in seen] == [2 * LEAST] * 3
    assert sum(name == threading.current_thread().name for name, _ in seen) == 1


def test_what_another_thread_raises_is_raised_here():
    def fail(part):
        if part.start:
            raise ValueError("from the second part")
        return torch.zeros(0)

    with pytest.raises(ValueError, match="from the second part"):
        Threads(2).share(fail, 2 * LEAST)


def test_torch_has_its_threads_back_afterwards():
    before = torch.get_num_threads()
    with pytest.raises(ValueError), torch_alone():
        assert torch.get_num_threads() == 1
        raise ValueError
    assert torch.get_num_threads() == before


def test_a_plan_is_the_same_on_any_number_of_threads(monkeypatch):
    depth, _ = render([box((0, 0), (0.04, 0.06, 0.05), 0.3)])
    plans = []
    for count in (1, 3):
        monkeypatch.setattr("antipodal.scoring.allowed", lambda count=count: count)
        torch.manual_seed(0)
        plans.append(GraspPlanner(GraspNetwork("patch").eval()).plan(depth, CAMERA, seed=3))
    for one, other in zip(plans[0].grasps, plans[1].grasps):
        np.testing.assert_allclose(one.T_cam_grasp, other.T_cam_grasp, atol=1e-9)
        assert one.quality == pytest.approx(other.quality, abs=1e-6)
