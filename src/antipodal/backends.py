"""Compiled kernels on arrays in main memory. Each has a torch twin beside its caller, which defines its answer and runs
on any other device."""

from __future__ import annotations

import importlib.util
import os
import threading
import warnings
from contextlib import contextmanager
from functools import lru_cache
from typing import Iterator

import torch

_thread = threading.local()
EXACT = {"nnan", "nsz"}  # fastmath that lets minima become vectors and changes no value: no array here holds a NaN


def uses_numba(tensor: torch.Tensor) -> bool:
    """Whether the compiled kernels take what lies where `tensor` does."""
    return tensor.is_cpu and not getattr(_thread, "torch_only", False)


@contextmanager
def torch_only() -> Iterator[None]:
    """Within it the torch twins run everywhere, in this thread: a GPU's plan as it is, on a CPU."""
    before, _thread.torch_only = getattr(_thread, "torch_only", False), True
    try:
        yield
    finally:
        _thread.torch_only = before


def uses_triton(tensor: torch.Tensor) -> bool:
    """Whether the Triton kernels take what lies where `tensor` does: on a CUDA device where Triton is installed, or on
    the CPU under Triton's interpreter (TRITON_INTERPRET=1, set before Triton is imported)."""
    if tensor.is_cuda:
        return _installed()
    return os.environ.get("TRITON_INTERPRET") == "1" and _installed()


@lru_cache(maxsize=None)
def _installed() -> bool:
    found = importlib.util.find_spec("triton") is not None
    if not found:
        warnings.warn("triton is not installed (pip install antipodal[cuda]): plain torch runs instead", stacklevel=3)
    return found
