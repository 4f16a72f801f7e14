"""Compiled kernels on arrays in main memory. Each has a torch twin beside its caller, which defines its answer and runs
on any other device."""

from __future__ import annotations

import torch

EXACT = {"nnan", "nsz"}  # fastmath that lets minima become vectors and changes no value: no array here holds a NaN


def take(tensor: torch.Tensor) -> bool:
    """Whether the compiled kernels take what lies where `tensor` does."""
    return tensor.is_cpu
