"""The order of training samples: uniform, or hard samples more often.

A sampler's order is a function of (seed, epoch) and of its state at the epoch's start, so that a resumed run goes on
with the very order it had.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Dict

import numpy as np
import torch

from antipodal.errors import InputError


class UniformSampler:
    """Every sample once an epoch, in a random order."""

    def __init__(self, count: int, seed: int):
        self.count, self.seed = count, seed

    def order(self, epoch: int) -> np.ndarray:
        """The epoch's samples, int64 in [0, count)."""
        return np.random.default_rng([self.seed, epoch]).permutation(self.count)

    def record(self, indices: np.ndarray, losses: np.ndarray) -> None:
        """Record the losses (K,) of samples (K,)."""

    def weights(self, indices: np.ndarray) -> np.ndarray:
        """Weights of the samples' losses, float32, one on average over the draws."""
        return np.ones(len(indices), np.float32)

    def state(self) -> Dict[str, torch.Tensor]:
        return {}

    def restore(self, state: Dict[str, torch.Tensor]) -> None:
        pass


@dataclass(frozen=True)
class ImportanceOptions:
    warm_up: int = 3  # epochs drawn uniformly first
    drop: float = 0.1  # share of the active samples, the easiest, that becomes inactive each epoch
    back: float = 0.01  # share of the inactive samples that becomes active again each epoch, at random
    floor: float = 0.0  # share of the draws that is uniform, so that no loss is too old
    keep: float = 0.0  # least share of active samples
    corrected: bool = False  # weigh losses by 1 / probability, so that the expected gradient is the uniform one


FLOOR = ImportanceOptions(warm_up=2, back=0.05, floor=0.2, keep=0.2)  # looks at all samples now and then


class ImportanceSampler(UniformSampler):
    """Draws by recent loss; the easiest samples are inactive for a while (after Katharopoulos and Fleuret, ICML 2018).

    Losses seen during an epoch change the order from the next one on. A sample not yet seen counts as the hardest.
    """

    def __init__(self, count: int, seed: int, options: ImportanceOptions = ImportanceOptions()):
        super().__init__(count, seed)
        self.options = options
        self.seen = np.full(count, np.inf, np.float32)  # newest loss of each sample
        self.losses = self.seen.copy()  # at the beginning of this epoch
        self.active = np.ones(count, bool)
        self.epoch = -1
        self.probability = np.full(count, 1.0 / count)

    def order(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, epoch])
        if epoch < self.options.warm_up:
            return rng.permutation(self.count)
        if epoch != self.epoch:
            self._begin(epoch)
        return rng.choice(self.count, int(self.active.sum()), p=self.probability)

    def record(self, indices: np.ndarray, losses: np.ndarray) -> None:
        self.seen[indices] = losses

    def weights(self, indices: np.ndarray) -> np.ndarray:
        if not self.options.corrected or self.epoch < 0:
            return super().weights(indices)
        return (1.0 / (self.active.sum() * self.probability[indices])).astype(np.float32)

    def _begin(self, epoch: int) -> None:
        """Choose the active samples of this epoch and their probabilities from the losses."""
        self.epoch, self.losses = epoch, self.seen.copy()
        known = self.losses[np.isfinite(self.losses)]
        self.losses[np.isinf(self.losses)] = known.max() if len(known) else 1.0
        out = np.flatnonzero(~self.active)
        self._drop_the_easiest()
        self._let_back_in(out, np.random.default_rng([self.seed, epoch, 1]))
        self._set_probability()

    def _let_back_in(self, out: np.ndarray, rng: np.random.Generator) -> None:
        """Reactivate some of the samples that were inactive before this epoch."""
        self.active[rng.choice(out, round(self.options.back * len(out)), replace=False)] = True

    def _drop_the_easiest(self) -> None:
        active = np.flatnonzero(self.active)
        spare = len(active) - int(self.options.keep * self.count)
        leave = max(0, min(int(self.options.drop * len(active)), spare, len(active) - 1))
        self.active[active[np.argsort(self.losses[active], kind="stable")[:leave]]] = False

    def _set_probability(self) -> None:
        hardness = np.where(self.active, self.losses, 0.0).astype(np.float64)
        uniform = self.active / self.active.sum()
        share = hardness / hardness.sum() if hardness.sum() > 0 else uniform
        self.probability = self.options.floor * uniform + (1 - self.options.floor) * share
        self.probability /= self.probability.sum()

    def state(self) -> Dict[str, torch.Tensor]:
        arrays = {"seen": self.seen, "losses": self.losses, "active": self.active, "probability": self.probability}
        return {"epoch": torch.tensor(self.epoch), **{k: torch.from_numpy(v.copy()) for k, v in arrays.items()}}

    def restore(self, state: Dict[str, torch.Tensor]) -> None:
        self.epoch = int(state["epoch"])
        self.seen, self.losses = state["seen"].numpy().copy(), state["losses"].numpy().copy()
        self.active, self.probability = state["active"].numpy().copy(), state["probability"].numpy().copy()


SAMPLERS: Dict[str, Callable[[int, int], UniformSampler]] = {
    "uniform": UniformSampler,
    "importance": ImportanceSampler,
    "importance_floor": lambda n, seed: ImportanceSampler(n, seed, FLOOR),
    "importance_corrected": lambda n, seed: ImportanceSampler(n, seed, replace(FLOOR, corrected=True)),
}


def make_sampler(name: str, count: int, seed: int) -> UniformSampler:
    """The sampler of this name for `count` samples."""
    if name not in SAMPLERS:
        raise InputError(f"unknown sampler {name!r}; possible: {', '.join(SAMPLERS)}")
    return SAMPLERS[name](count, seed)
