"""One thread runs all plans; callers wait in a bounded queue. Imports no ROS."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Callable, Tuple

from antipodal.errors import AntipodalError


class Busy(AntipodalError):
    """The queue is full."""

    reason = "busy"


class TooSlow(AntipodalError):
    """The call took longer than the timeout."""

    reason = "too slow"


class PlanningThread:
    """Runs functions one at a time, first come, first served.

    All calls share one thread, because torch keeps a thread pool for every thread that calls it.
    """

    def __init__(self, max_waiting: int, timeout: float):
        """max_waiting: calls in the queue. timeout: longest that a caller waits, time in the queue included [s]."""
        self.timeout = timeout
        self._calls: queue.Queue[Tuple[Future, Callable, tuple]] = queue.Queue(maxsize=max_waiting)
        threading.Thread(target=self._run, name="planning", daemon=True).start()

    def call(self, function: Callable, *arguments: Any) -> Any:
        """Return what `function` returns, raise what it raises. Raises Busy when the queue is full, TooSlow after the
        timeout."""
        future: Future = Future()
        try:
            self._calls.put_nowait((future, function, arguments))
        except queue.Full:
            raise Busy(f"busy: {self._calls.maxsize} requests wait already (~max_waiting); ask again later") from None
        try:
            return future.result(timeout=self.timeout)
        except FutureTimeout:
            future.cancel()  # a running call finishes; its result is dropped
            raise TooSlow(f"no answer within {self.timeout:g} s (~max_time)") from None

    def waiting(self) -> int:
        """Number of calls in the queue."""
        return self._calls.qsize()

    def _run(self) -> None:
        while True:
            future, function, arguments = self._calls.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function(*arguments))
            except BaseException as e:  # the caller gets it; this thread goes on
                future.set_exception(e)
            del future, function, arguments  # hold no image while waiting for the next call
