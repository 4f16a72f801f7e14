"""Planners and plans in other processes: forked ones plan, pickled ones are the same."""

import copy
import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render

from antipodal import resources
from antipodal.errors import InputError
from antipodal.networks.model import GraspNetwork
from antipodal.networks.threads import MIN_ROWS_PER_THREAD, ThreadedNetwork
from antipodal.planner import GraspPlanner

DEPTH, _ = render([box((0.02, 0.01), (0.04, 0.08, 0.05), 0.3)])
FORKS = """
    import os, signal, sys, threading
    import numpy as np, torch
    torch.set_num_threads(2)
    from antipodal import resources
    from antipodal.camera import Camera
    from antipodal.planner import GraspPlanner

    DEPTH, CAMERA = np.load(sys.argv[1]), Camera(525.0, 525.0, 159.5, 119.5, 320, 240)

    def load():
        return GraspPlanner.load(resources.find("models/default.pt"), device="cpu")

    def numbers(planner):
        return [g.T_cam_grasp.tobytes() for g in planner.plan(DEPTH, CAMERA, seed=3)]

    def same_in_child(plan):
        pid = os.fork()
        if pid == 0:
            signal.alarm(30)  # a child that waits for ever is killed, which the parent sees
            os._exit(0 if plan() == expected else 1)
        return os.waitpid(pid, 0)[1] == 0

    planner = load()
    expected = numbers(planner)
"""


def run(tmp_path, rest):
    np.save(tmp_path / "depth.npy", DEPTH)
    code = textwrap.dedent(FORKS) + textwrap.dedent(rest)
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "depth.npy")], capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr


def test_a_child_plans_with_its_parents_planner_or_its_own(tmp_path):
    run(
        tmp_path,
        """
        assert same_in_child(lambda: numbers(planner))
        assert same_in_child(lambda: numbers(load()))
        """,
    )


def test_a_child_plans_when_it_was_forked_in_the_midst_of_a_plan(tmp_path):
    run(
        tmp_path,
        """
        stop = threading.Event()
        def work():
            while not stop.is_set():
                planner.plan(DEPTH, CAMERA)
        threads = [threading.Thread(target=work) for _ in range(2)]
        [t.start() for t in threads]
        outcomes = [same_in_child(lambda: numbers(planner)) for _ in range(10)]
        stop.set()
        [t.join() for t in threads]
        assert all(outcomes), outcomes
        """,
    )


def test_a_child_drops_its_parents_planners(tmp_path):
    """Also those that the parent has dropped already, and garbage collection finds in the child."""
    run(
        tmp_path,
        """
        import gc
        gc.disable()
        kept, cycle = [load()], [load()]
        numbers(kept[0])
        cycle.append(cycle)
        del cycle

        def dropping():
            kept.clear()
            gc.collect()
            return numbers(planner)

        def leaving():  # as a program does, not at once
            pid = os.fork()
            if pid == 0:
                signal.alarm(30)
                kept.clear()
                sys.exit(0)
            return os.waitpid(pid, 0)[1] == 0

        assert same_in_child(dropping) and leaving()
        """,
    )


def test_a_planner_that_another_thread_drops_leaves_signals_working(tmp_path):
    """Garbage collection may do that in any thread."""
    run(
        tmp_path,
        """
        import gc
        heard, kept = [], [planner]
        del planner
        signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
        def drop():
            kept.clear()
            gc.collect()
        dropping = threading.Thread(target=drop)
        dropping.start()
        dropping.join()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert heard
        """,
    )


def test_a_pickled_planner_plans_the_same():
    planner = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
    expected = planner.plan(DEPTH, CAMERA, seed=1)
    for other in (pickle.loads(pickle.dumps(planner)), copy.deepcopy(planner)):
        got = other.plan(DEPTH, CAMERA, seed=1)
        np.testing.assert_array_equal([g.T_cam_grasp for g in got], [g.T_cam_grasp for g in expected])
    assert other.options == planner.options and other.gripper == planner.gripper


def test_a_plan_is_pickled_with_its_candidates():
    plan = GraspPlanner(GraspNetwork("patch").eval()).plan(DEPTH, CAMERA)
    back = pickle.loads(pickle.dumps(plan))
    assert (back.counts, back.times_ms, len(back)) == (plan.counts, plan.times_ms, len(plan))
    for a, b in zip([*back, *back.candidates], [*plan, *plan.candidates]):
        np.testing.assert_array_equal(a.T_cam_grasp, b.T_cam_grasp)
    np.testing.assert_array_equal(back.scene.graspable, plan.scene.graspable)


def test_a_threaded_network_is_pickled_with_its_threads_left_behind():
    rows = torch.rand(3 * MIN_ROWS_PER_THREAD, 4)
    network = ThreadedNetwork(torch.nn.Linear(4, 2), 2)
    torch.testing.assert_close(pickle.loads(pickle.dumps(network))(rows), network(rows))


def test_what_cannot_be_pickled_says_why():
    pytest.importorskip("openvino")
    planner = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
    with pytest.raises(TypeError, match="pickle the GraspPlanner"):
        pickle.dumps(planner.score.network.network)


def test_a_gpu_is_refused_in_a_forked_process(monkeypatch):
    planner = GraspPlanner(GraspNetwork("patch").eval())
    planner.device = torch.device("cuda")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(InputError, match="forked"):
        planner.plan(DEPTH, CAMERA)
