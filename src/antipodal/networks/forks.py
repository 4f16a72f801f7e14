"""Networks and os.fork: a child has none of its parent's threads, and locks that these held stay shut for ever.

So a fork waits until no network runs, the child takes new threads and locks, and torch keeps to one thread there: its
parallel regions would wait for OpenMP's threads, which only the parent has. The child never frees what it inherits:
OpenVINO would wait for the end of threads that it does not have.
"""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Iterator
from weakref import WeakSet

import torch


class _Gate:
    """Counts the networks that run, and holds new ones back during a fork."""

    def __init__(self) -> None:
        self.changed, self.running = threading.Condition(), 0

    def close(self) -> None:
        """Wait until none runs, and let none begin."""
        self.changed.acquire()
        self.changed.wait_for(lambda: self.running == 0)

    def open(self) -> None:
        self.changed.release()


_gate = _Gate()
_renewed: WeakSet = WeakSet()  # owners of threads or locks in this process


@contextmanager
def running() -> Iterator[None]:
    """A network runs inside the block: forks of this process wait."""
    gate = _gate
    with gate.changed:
        gate.running += 1
    try:
        yield
    finally:
        with gate.changed:
            gate.running -= 1
            gate.changed.notify_all()


def renew_after_fork(owner: Any) -> None:
    """Call `owner.renew()` in every process that is forked from this one."""
    _watch_forks()
    _renewed.add(owner)


@lru_cache(maxsize=None)
def _watch_forks() -> None:
    os.register_at_fork(before=_gate.close, after_in_parent=_gate.open, after_in_child=_in_child)


def _in_child() -> None:
    _gate.__init__()  # type: ignore[misc]  # its lock belongs to a thread of the parent
    torch.set_num_threads(1)
    inherited = list(_renewed)  # those that the parent has dropped and not collected among them
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))
    for owner in inherited:
        owner.renew()
