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
def single_threaded_torch() -> Iterator[None]:
    """Torch on one thread: in operations as small as a plan's its others cost more than they save, and keep spinning
    between them."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count)


def single_threaded_opencv() -> None:
    """OpenCV on one thread from now on, in the whole process. To change its count for each plan would end threads that
    another plan waits for; and a forked process would wait for threads that it does not have."""
    if cv2.getNumThreads() != 1:
        cv2.setNumThreads(1)
