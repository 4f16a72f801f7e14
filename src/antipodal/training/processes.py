"""One process or many (torchrun): what they share, and how their parameters become one again."""

from __future__ import annotations

import os
from typing import Iterable, List

import torch
import torch.distributed as dist
from torch.distributed.algorithms.model_averaging.utils import average_parameters

from antipodal.errors import InputError


class Group:
    """The processes that train together; one alone needs no network. Use as a context manager."""

    def __init__(self, device: torch.device):
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.device = device
        if device.type == "cuda" and self.world > 1:
            self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
            torch.cuda.set_device(self.device)

    def __enter__(self) -> Group:
        if self.world > 1:
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
        return self

    def __exit__(self, *error: object) -> None:
        if self.world > 1:
            dist.destroy_process_group()

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files and talks."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's part of `count` things."""
        if count % self.world:
            raise InputError(f"a batch of {count} cannot be shared evenly by {self.world} processes")
        each = count // self.world
        return slice(self.rank * each, (self.rank + 1) * each)

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """Sum of the processes' values, in place."""
        if self.world > 1:
            dist.all_reduce(value)
        return value

    def gather(self, value: torch.Tensor) -> torch.Tensor:
        """The processes' values (K, ...) one after the other; all of one shape."""
        if self.world == 1:
            return value
        parts: List[torch.Tensor] = [torch.empty_like(value) for _ in range(self.world)]
        dist.all_gather(parts, value.contiguous())
        return torch.cat(parts)

    def average(self, parameters: Iterable[torch.Tensor]) -> None:
        """Set the processes' parameters to their mean (local SGD's meeting point; Stich, ICLR 2019)."""
        if self.world == 1:
            return
        average_parameters(iter(parameters), dist.group.WORLD)  # type: ignore[arg-type]

    def wait(self) -> None:
        if self.world > 1:
            dist.barrier()
