"""Threads for the part of a plan that is worth a second core: crops and network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Callable, Iterator

import torch

LEAST = 20  # things that are worth a thread: handing them over takes as long as the network takes for as many
MOST = 4  # threads


def allowed() -> int:
    """How many threads may share the work: as many as torch may use, up to `MOST`."""
    return min(torch.get_num_threads(), MOST)


class Threads:
    """The calling thread and `count` - 1 others, which share work that needs no gradients."""

    def __init__(self, count: int):
        self.count = count
        self._others = ThreadPoolExecutor(max(1, count - 1), "score", torch.set_num_threads, (1,))

    def share(self, function: Callable[[slice], torch.Tensor], n: int) -> torch.Tensor:
        """What `function` answers (N, ...) for n things; each thread asks it for a slice of them."""
        size = max(LEAST, -(-n // self.count))
        parts = [slice(first, first + size) for first in range(0, max(n, 1), size)]
        begun = [self._others.submit(torch.inference_mode()(function), part) for part in parts[1:]]
        return torch.cat([function(parts[0])] + [other.result() for other in begun])


@contextmanager
def torch_alone() -> Iterator[None]:
    """Torch on one thread: in operations as small as a plan's its others cost more than they save, and keep spinning
    between them."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count)
