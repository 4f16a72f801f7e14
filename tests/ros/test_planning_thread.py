"""ros.worker: one call at a time, a bounded queue, and no caller kept longer than its patience."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from antipodal.errors import InputError
from antipodal.ros.planning_thread import Busy, TooSlow, Worker

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
    worker = Worker(1, LONG)
    assert worker.call(divmod, 7, 3) == (2, 1)
    with pytest.raises(InputError, match="no"):
        worker.call(_raise, InputError("no"))
    with pytest.raises(SystemExit):
        worker.call(_raise, SystemExit(3))
    assert worker.call(divmod, 7, 3) == (2, 1), "the thread died"


def _raise(error):
    raise error


def test_all_calls_run_in_one_thread_one_at_a_time():
    worker, inside, seen = Worker(100, LONG), threading.Lock(), set()

    def work():
        assert inside.acquire(blocking=False), "two at once"
        seen.add(threading.get_ident())
        inside.release()

    with ThreadPoolExecutor(16) as callers:
        for answer in [callers.submit(worker.call, work) for _ in range(200)]:
            answer.result(LONG)
    assert len(seen) == 1 and threading.get_ident() not in seen


def test_a_full_queue_is_busy_and_serves_again(gate):
    worker = Worker(2, LONG)
    with ThreadPoolExecutor(3) as callers:
        first = callers.submit(worker.call, gate)
        assert gate.begun.wait(LONG)
        others = [callers.submit(worker.call, str, i) for i in range(2)]
        while worker.waiting() < 2:
            pass
        with pytest.raises(Busy, match=r"2 requests wait already \(~max_waiting\)"):
            worker.call(str, 3)
        gate.open.set()
        assert [first.result(LONG)] + [o.result(LONG) for o in others] == ["through", "0", "1"]
    assert worker.call(str, 4) == "4"


def test_patience_ends_and_a_call_given_up_is_not_made(gate):
    worker, made = Worker(2, 0.01), []
    with pytest.raises(TooSlow, match=r"no answer within 0\.01 s"):
        worker.call(gate)
    with pytest.raises(TooSlow):
        worker.call(made.append, "given up")
    gate.open.set()
    worker.patience = LONG
    worker.call(made.append, "kept")
    assert made == ["kept"]
