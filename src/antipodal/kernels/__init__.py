"""Compiled kernels on arrays in main memory. Each has a torch twin beside its caller, which defines its answer and runs
on any other device."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Iterator

import torch

_thread = threading.local()


def take(tensor: torch.Tensor) -> bool:
    """Whether the compiled kernels take what lies where `tensor` does."""
    return tensor.is_cpu and not getattr(_thread, "plain", False)


@contextmanager
def plain() -> Iterator[None]:
    """Within it the torch twins run everywhere, in this thread: a GPU's plan as it is, on a CPU."""
    before, _thread.plain = getattr(_thread, "plain", False), True
    try:
        yield
    finally:
        _thread.plain = before
