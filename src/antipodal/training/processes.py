"""The processes that train together (torchrun), or one alone: who leads, who does what, sums and means over them."""

from __future__ import annotations

import os
import time
from typing import Any, List, Sequence

import torch
import torch.distributed as dist

from antipodal.errors import InputError

SETTLE = 0.5  # for threads that have just finished a sum [s]
ENDED: List[Any] = []  # process groups, kept until the process ends, see Group.__exit__


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
            # Freeing gloo's group waits for its threads with Python's lock held, for which they wait in turn if they
            # have just finished a sum: for ever. So they get time to end it, and the group is kept.
            ENDED.append(dist.group.WORLD)
            dist.destroy_process_group()
            time.sleep(SETTLE)

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and prints."""
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

    @torch.no_grad()
    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Set each tensor, in place, to its mean over the processes (local SGD; Stich, ICLR 2019)."""
        if self.world == 1:
            return
        mean = torch.cat([t.reshape(-1) for t in tensors])  # in logical order, whatever the memory format
        dist.all_reduce(mean)
        mean /= self.world
        for tensor, part in zip(tensors, mean.split([t.numel() for t in tensors])):
            tensor.copy_(part.view(tensor.shape))

    def wait(self) -> None:
        if self.world > 1:
            dist.barrier()
