"""Which code computes: numba in main memory, Triton on a GPU, torch elsewhere. The torch twin defines the answer."""

from __future__ import annotations

import importlib.util
import mmap
import os
import sys
import threading
import warnings
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Iterator

import numpy as np
import torch
from numba.core import event

from antipodal.errors import missing_package

MOST_KEPT = 63 << 20  # of freed memory [bytes]; glibc takes no more than 64 MB

_thread = threading.local()
EXACT = {"nnan", "nsz"}  # fastmath that lets minima become vectors and changes no value: no array here holds a NaN


def uses_numba(tensor: torch.Tensor) -> bool:
    """Whether numba kernels compute on tensors where `tensor` lies."""
    return tensor.is_cpu and not getattr(_thread, "torch_only", False)


@contextmanager
def torch_only() -> Iterator[None]:
    """Let only torch compute in this thread: a GPU's plan runs on a CPU as it is."""
    before, _thread.torch_only = getattr(_thread, "torch_only", False), True
    try:
        yield
    finally:
        _thread.torch_only = before


def keep_freed_memory() -> None:
    """Let this process keep the memory that a plan frees for the next one: to ask the system for it again, page by
    page, is a tenth of the time of a plan over a cone. glibc keeps twice as much as the largest block ever freed."""
    np.empty(MOST_KEPT // 2, np.uint8)


def say_when_compiling() -> None:
    """Let one line on standard error say that numba compiles, the first time that it does in this process or in one
    forked from it. What is compiled is kept for later processes."""
    told = mmap.mmap(-1, 1)  # shared with forked processes

    class Announcer(event.Listener):
        def on_start(self, event: Any) -> None:
            if not told[0]:
                told[0] = 1
                tell_beside_bars("compiling, once after an installation; up to two minutes")

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Announcer())


def tell_beside_bars(line: str) -> None:
    """Print a line on standard error, over a progress bar if there is one."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:
        print(line, file=sys.stderr, flush=True)
    else:
        tqdm.tqdm.write(line, file=sys.stderr)


def uses_triton(tensor: torch.Tensor) -> bool:
    """Whether Triton kernels compute on tensors where `tensor` lies: on a CUDA device if Triton is installed, or on a
    CPU under Triton's interpreter (TRITON_INTERPRET=1, set before Triton is imported)."""
    if tensor.is_cuda:
        return _installed()
    return os.environ.get("TRITON_INTERPRET") == "1" and _installed()


@lru_cache(maxsize=None)
def _installed() -> bool:
    installed = importlib.util.find_spec("triton") is not None
    if not installed:
        warnings.warn(f"{missing_package('triton', ('cuda',))}; plain torch runs instead", stacklevel=3)
    return installed
