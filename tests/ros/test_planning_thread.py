"""ros.planning_thread: one call at a time, a bounded queue, and no caller waits longer than the timeout."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from antipodal.errors import InputError
from antipodal.ros.planning_thread import Busy, PlanningThread, TooSlow

LONG = 60.0  # nothing here waits that long unless it is broken


class Gate:
    """A call that lasts until it is opened, and says when it has begun."""

    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self):
        self.begun.set()
        assert self.open.wait(LONG)
        return "through"


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


def test_returns_and_raises_what_the_function_does():
    planning_thread = PlanningThread(1, LONG)
    assert planning_thread.call(divmod, 7, 3) == (2, 1)
    with pytest.raises(InputError, match="no"):
        planning_thread.call(_raise, InputError("no"))
    with pytest.raises(SystemExit):
        planning_thread.call(_raise, SystemExit(3))
    assert planning_thread.call(divmod, 7, 3) == (2, 1), "the thread died"


def _raise(error):
    raise error


def test_all_calls_run_in_one_thread_one_at_a_time():
    planning_thread, inside, seen = PlanningThread(100, LONG), threading.Lock(), set()

    def work():
        assert inside.acquire(blocking=False), "two at once"
        seen.add(threading.get_ident())
        inside.release()

    with ThreadPoolExecutor(16) as callers:
        for answer in [callers.submit(planning_thread.call, work) for _ in range(200)]:
            answer.result(LONG)
    assert len(seen) == 1 and threading.get_ident() not in seen


def test_a_full_queue_is_busy_and_serves_again(gate):
    planning_thread = PlanningThread(2, LONG)
    with ThreadPoolExecutor(3) as callers:
        first = callers.submit(planning_thread.call, gate)
        assert gate.begun.wait(LONG)
        others = [callers.submit(planning_thread.call, str, i) for i in range(2)]
        while planning_thread.waiting() < 2:
            pass
        with pytest.raises(Busy, match=r"2 requests wait already \(~max_waiting\)"):
            planning_thread.call(str, 3)
        gate.open.set()
        assert [first.result(LONG)] + [o.result(LONG) for o in others] == ["through", "0", "1"]
    assert planning_thread.call(str, 4) == "4"


def test_a_call_that_times_out_in_the_queue_is_not_made(gate):
    planning_thread, made = PlanningThread(2, 0.01), []
    with pytest.raises(TooSlow, match=r"no answer within 0\.01 s"):
        planning_thread.call(gate)
    with pytest.raises(TooSlow):
        planning_thread.call(made.append, "given up")
    gate.open.set()
    planning_thread.timeout = LONG
    planning_thread.call(made.append, "kept")
    assert made == ["kept"]
