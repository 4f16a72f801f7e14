"""Whether the Triton kernels take what lies on a device. Each has a torch twin beside its caller, which defines its
answer and runs where Triton is missing."""

from __future__ import annotations

import importlib.util
import os
import warnings
from functools import lru_cache

import torch


def take(tensor: torch.Tensor) -> bool:
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
