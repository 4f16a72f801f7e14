"""One thread that does all planning, and a bounded queue before it. Imports no ROS."""

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
    """No answer within the caller's patience."""

    reason = "too slow"


class Worker:
    """Calls functions one at a time, in the order in which they came.

    One thread for all, because every thread that ever called torch would keep a pool of its own.
    """

    def __init__(self, waiting: int, patience: float):
        """waiting: most calls that wait for their turn. patience: longest that a caller is kept, turn included [s]."""
        self.patience = patience
        self._calls: queue.Queue[Tuple[Future, Callable, tuple]] = queue.Queue(maxsize=waiting)
        threading.Thread(target=self._run, name="planning", daemon=True).start()

    def call(self, function: Callable, *arguments: Any) -> Any:
        """What `function` returns or raises. Raises Busy, or TooSlow where the answer is given up."""
        future: Future = Future()
        try:
            self._calls.put_nowait((future, function, arguments))
        except queue.Full:
            raise Busy(f"busy: {self._calls.maxsize} requests wait already (~max_waiting); ask again later") from None
        try:
            return future.result(timeout=self.patience)
        except FutureTimeout:
            future.cancel()  # does nothing where it is being answered: that call runs to its end, unheard
            raise TooSlow(f"no answer within {self.patience:g} s (~max_time)") from None

    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return self._calls.qsize()

    def _run(self) -> None:
        while True:
            future, function, arguments = self._calls.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function(*arguments))
            except BaseException as e:  # whatever it is, it is the caller's, and the thread lives on
                future.set_exception(e)
            del future, function, arguments  # no image is held while it waits for the next
