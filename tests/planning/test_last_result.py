"""A result is kept while the arguments hold the same, and only then."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scenes import CAMERA, box, render

from antipodal import resources
from antipodal.planner import GraspPlanner
from antipodal.planning.last_result import LastResult, Perceived, alike
from antipodal.planning.trace import Trace

DEPTH, _ = render([box((-0.06, 0.0), (0.10, 0.03, 0.05), 0.4), box((0.08, 0.03), (0.03, 0.04, 0.03))])


@dataclass(frozen=True)
class Thing:
    array: np.ndarray
    number: float = 1.0


def test_a_function_is_called_again_only_for_other_arguments():
    calls = []
    kept = LastResult(lambda *arguments: calls.append(arguments) or len(calls))
    assert [kept(np.ones(3), "a"), kept(np.ones(3), "a")] == [1, 1]
    assert [kept(np.zeros(3), "a"), kept(np.zeros(3), "b"), kept(np.ones(3), "a")] == [2, 3, 4]  # the last one alone


def test_an_error_is_no_result():
    kept = LastResult(lambda x: 1 // x)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            kept(0)


def test_values_are_compared_by_what_they_hold():
    thing = Thing(np.arange(3.0))
    assert alike([thing, None, 2], [Thing(np.arange(3.0)), None, 2])
    for other in (replace(thing, number=2.0), replace(thing, array=np.arange(4.0)), None, (thing,)):
        assert not alike(thing, other)


@pytest.mark.parametrize("approach", ["table", "any"])
def test_plans_that_share_what_was_perceived_are_those_of_fresh_ones(approach):
    planner, perceived = GraspPlanner.load(resources.find("models/default.pt"), device="cpu"), Perceived()
    other = DEPTH.copy()
    other[:, :160] = 0.7  # without the first box
    traces = []
    for depth, seed in ((DEPTH, 0), (DEPTH, 0), (DEPTH, 3), (other, 3), (DEPTH, 0)):
        traces.append(Trace(perceived=perceived))
        plan = planner.plan(depth, CAMERA, seed=seed, trace=traces[-1], approach=approach)
        fresh = planner.plan(depth, CAMERA, seed=seed, approach=approach)
        assert [g.to_dict() for g in plan] == [g.to_dict() for g in fresh]
    assert traces[0].scene is traces[1].scene and traces[3].scene is not traces[2].scene
