"""The number of threads that trains is the one that was fastest, and no option nor weight changes by the measuring."""

import numpy as np
import pytest
import torch

from antipodal.training.options import TrainOptions
from antipodal.training.processes import Group
from antipodal.training.samples import Samples, split_by_object
from antipodal.training.threads import counts_up_to, fastest_threads, use_fastest_threads
from antipodal.training.trainer import Trainer
from tests.learnable import Blocks


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("seconds, best", [({1: 3.0, 2: 2.0, 4: 4.0}, 2), ({1: 1.0, 2: 2.0, 4: 4.0}, 1)])
def test_the_fastest_is_chosen_whatever_disturbs_one_round(seconds, best, threads):
    now, calls = [0.0], []

    def work():
        calls.append(torch.get_num_threads())
        late = 10.0 if len(calls) == 1 + list(seconds).index(best) else 0.0  # something else ran in the first round
        now[0] += seconds.get(torch.get_num_threads(), 0.0) + late

    torch.set_num_threads(1)
    assert fastest_threads(work, list(seconds), lambda: now[0]) == best
    assert torch.get_num_threads() == 1 and set(calls) == set(seconds)


@pytest.mark.parametrize("most, counts", [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_powers_of_two_are_tried(most, counts):
    assert counts_up_to(most) == counts


def test_a_trainer_is_left_as_it_was(threads):
    samples = Samples([Blocks()])
    with Group(torch.device("cpu")) as group:
        trainer = Trainer(TrainOptions(data=("x",), batch=64, samples=64), group, samples, split_by_object(samples, 0))
        weights = trainer.weights()
        torch.set_num_threads(2)
        assert use_fastest_threads(trainer) in (1, 2)
    assert all(torch.equal(weights[name], now) for name, now in trainer.weights().items())
    assert all(p.grad is None for p in trainer.network.parameters())
    assert np.isinf(trainer.progress.best_loss) and trainer.progress.step == 0
