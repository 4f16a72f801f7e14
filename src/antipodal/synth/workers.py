"""Processes that share the generator's work, and end with the process that started them."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, Tuple
from weakref import WeakSet

from antipodal.errors import InputError

LOOK = 0.3  # between two looks whether the starting process is alive [s]


SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Pool(ProcessPoolExecutor):
    """Holds signals back while it starts processes: an exception that a signal raises within a fork is lost."""

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        self._submitted: WeakSet = WeakSet()

    def submit(self, *task: Any, **named: Any) -> Any:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            future = super().submit(*task, **named)
            self._submitted.add(future)
            return future
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def end(self) -> None:
        """Drop what has not begun, and wait for the rest. (`cancel_futures` is of Python 3.9.)"""
        for future in list(self._submitted):
            future.cancel()
        self.shutdown(wait=True)


@contextmanager
def worker_pool(
    workers: int, start: Optional[Callable[..., None]] = None, arguments: Tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes call `start(*arguments)` first. Raises InputError where one of them is killed.

    What has not begun when the block is left by an error is dropped.
    """
    pool = _Pool(workers, initializer=_begin, initargs=(os.getpid(), start, arguments))
    try:
        yield pool
    except BrokenProcessPool as e:
        raise InputError("a worker process was killed (out of memory?); the same command resumes the run") from e
    finally:
        pool.end()


def _begin(parent: int, start: Optional[Callable[..., None]], arguments: Tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of them; the starting process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if start is not None:
        start(*arguments)


def _end_with(parent: int) -> None:
    """End this process soon after the one that started it, which may have been killed."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)
