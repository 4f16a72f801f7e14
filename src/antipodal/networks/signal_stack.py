"""The thread's own stack for signals, kept while a library that sets another is loaded.

On a CPU with AMX OpenVINO's CPU plugin gives the thread that loads it another one. When it is unloaded in another
thread, as garbage collection may do, it frees that stack and leaves it set: the next signal that has a handler ends the
process.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Iterator


class _Stack(ctypes.Structure):
    """stack_t of Linux."""

    _fields_ = (("pointer", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextlib.contextmanager
def kept_signal_stack() -> Iterator[None]:
    """After the block this thread's signals use the stack that they used before it."""
    set_stack = getattr(ctypes.CDLL(None), "sigaltstack", None)
    before = _Stack()
    known = set_stack is not None and set_stack(None, ctypes.byref(before)) == 0
    try:
        yield
    finally:
        if known and set_stack is not None:
            set_stack(ctypes.byref(before), None)
