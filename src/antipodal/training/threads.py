"""How many threads train fastest. It is measured: where other programs use the cores, two are slower than one."""

from __future__ import annotations

import copy
import time
from typing import Callable, List

import torch
import torch.nn.functional as F

from antipodal.training.samples import Batch
from antipodal.training.trainer import Trainer

ROUNDS = 3  # each number of threads is tried so often, in turn; the fastest counts


def use_fastest_threads(trainer: Trainer) -> int:
    """Train on the CPU with as many of torch's threads as make a step fastest; their number."""
    most = torch.get_num_threads()
    if most == 1 or trainer.group.device.type != "cpu":
        return most
    options, samples = trainer.options, trainer.samples
    batch = samples.__getitems__(trainer.train[: options.batch])
    network = copy.deepcopy(trainer.network)
    chosen = fastest_threads(lambda: _step(network, batch, trainer.conditions(batch)), counts_up_to(most))
    torch.set_num_threads(chosen)
    return chosen


def counts_up_to(most: int) -> List[int]:
    """The powers of two below `most`, and `most`."""
    return [*(2**k for k in range(most.bit_length()) if 2**k < most), most]


def fastest_threads(
    work: Callable[[], object], counts: List[int], clock: Callable[[], float] = time.perf_counter
) -> int:
    """Which number of torch's threads makes `work` fastest; torch's own number stays as it was."""
    before, shortest = torch.get_num_threads(), {count: float("inf") for count in counts}
    work()  # what happens once is not measured
    for count in counts * ROUNDS:
        torch.set_num_threads(count)
        start = clock()
        work()
        shortest[count] = min(shortest[count], clock() - start)
    torch.set_num_threads(before)
    return min(counts, key=lambda count: shortest[count])


def _step(network: torch.nn.Module, batch: Batch, conditions: torch.Tensor) -> None:
    """The part of a step that threads share."""
    logits = network(batch["crops"], conditions).float()
    F.binary_cross_entropy_with_logits(logits, batch["labels"]).backward()
