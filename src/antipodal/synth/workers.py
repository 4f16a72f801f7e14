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

from antipodal.errors import InputError, interrupts_wait

LOOK = 0.3  # between two looks whether the starting process is alive [s]


class _Pool(ProcessPoolExecutor):
    """Holds signals back while it starts processes: an exception that a signal raises within a fork is lost."""

    def submit(self, *task: Any, **named: Any) -> Any:
        with interrupts_wait():
            return super().submit(*task, **named)

    def abandon(self) -> None:
        """End the processes at once. (What waits for them to finish may wait for ever in Python 3.8.)"""
        for process in list((self._processes or {}).values()):
            process.kill()
        self.shutdown(wait=True)


@contextmanager
def worker_pool(
    workers: int, start: Optional[Callable[..., None]] = None, arguments: Tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes call `start(*arguments)` first. Raises InputError where one of them is killed.

    When the block is left by an error, the processes end in the midst of their work: what they write must be whole or
    not there.
    """
    pool = _Pool(workers, initializer=_begin, initargs=(os.getpid(), start, arguments))
    try:
        yield pool
    except BrokenProcessPool as e:
        pool.abandon()
        raise InputError("a worker process was killed (out of memory?); the same command resumes the run") from e
    except BaseException:
        pool.abandon()
        raise
    pool.shutdown()


def _begin(parent: int, start: Optional[Callable[..., None]], arguments: Tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of them; the starting process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if start is not None:
        start(*arguments)


def _end_with(parent: int) -> None:
    """End this process soon after the one that started it, which may have been killed."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)
