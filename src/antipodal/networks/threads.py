"""Threads for the network, the one part of a plan that is worth a second core."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Iterator

import cv2
import torch

from antipodal.networks.forks import renew_after_fork, running

MIN_ROWS_PER_THREAD = 20  # handing rows to a thread takes nearly as long as the network takes for as many
MAX_THREADS = 4


def thread_count() -> int:
    """How many threads share the work: torch's number of threads, at most MAX_THREADS."""
    return min(torch.get_num_threads(), MAX_THREADS)


class ThreadedNetwork(torch.nn.Module):
    """A network whose rows are shared by the calling thread and `count` - 1 others; without gradients."""

    def __init__(self, network: torch.nn.Module, count: int):
        super().__init__()
        self.network, self.count = network, count
        self.renew()
        renew_after_fork(self)

    def __reduce__(self) -> tuple:
        return ThreadedNetwork, (self.network, self.count)

    def renew(self) -> None:
        """Take new threads."""
        self._others = ThreadPoolExecutor(max(1, self.count - 1), "network", torch.set_num_threads, (1,))

    @torch.inference_mode()
    def forward(self, *rows: torch.Tensor) -> torch.Tensor:
        """The network's output (N, ...) for tensors of N rows each."""
        first, *rest = zip(*(t.split(max(MIN_ROWS_PER_THREAD, -(-len(t) // self.count))) for t in rows))
        with running():
            begun = [self._others.submit(torch.inference_mode()(self.network), *part) for part in rest]
            return torch.cat([self.network(*first), *(other.result() for other in begun)])


@contextmanager
def single_threaded() -> Iterator[None]:
    """Torch and OpenCV on one thread each: in a plan's small operations more threads cost more than they save, and keep
    spinning between them."""
    torch_count, opencv_count = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(torch_count)
        cv2.setNumThreads(opencv_count)
