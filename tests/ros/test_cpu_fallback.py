"""ros.cpu_fallback: a GPU that fails is replaced by the CPU, and taken back when it works."""

from types import SimpleNamespace

import pytest
import torch

from antipodal.errors import NoGraspFound
from antipodal.ros.cpu_fallback import RETRY, FallbackPlanner


class Device:
    """A planner that returns its name, or raises what it is told to."""

    def __init__(self, device):
        self.device, self.error, self.calls = device, None, 0

    def plan(self, *_, **__):
        self.calls += 1
        if self.error:
            raise self.error
        return self.device


@pytest.fixture
def cell():
    cell = SimpleNamespace(gpu=Device("cuda"), cpu=Device("cpu"), said=[], now=1000.0)
    cell.planner = FallbackPlanner(cell.gpu, cell.cpu, cell.said.append, lambda: cell.now)
    return cell


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError("CUDA out of memory"), RuntimeError("CUDA error: lost")])
def test_falls_back_with_a_warning_and_recovers(cell, error):
    assert cell.planner.plan() == "cuda" and cell.planner.device == "cuda"
    cell.gpu.error = error
    assert cell.planner.plan() == "cpu"
    assert cell.planner.device == "cpu" and str(error) in cell.planner.problem
    assert len(cell.said) == 1 and "cuda failed" in cell.said[0]
    cell.gpu.error = None
    assert cell.planner.plan() == "cpu" and cell.gpu.calls == 2, "left alone for a while"
    cell.now += RETRY
    assert cell.planner.plan() == "cuda" and cell.planner.problem == ""
    assert cell.said[1:] == ["cuda works again"]


def test_a_scene_without_grasps_is_no_failure_of_the_device(cell):
    cell.gpu.error = NoGraspFound("nothing", {})
    with pytest.raises(NoGraspFound):
        cell.planner.plan()
    assert cell.cpu.calls == 0 and not cell.said


def test_faults_of_the_program_are_not_hidden(cell):
    cell.gpu.error = TypeError("a fault")
    with pytest.raises(TypeError):
        cell.planner.plan()


def test_what_the_cpu_raises_is_raised(cell):
    cell.gpu.error, cell.cpu.error = RuntimeError("lost"), NoGraspFound("nothing", {})
    with pytest.raises(NoGraspFound):
        cell.planner.plan()
