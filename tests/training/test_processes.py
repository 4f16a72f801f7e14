"""Processes that train together: their weights meet."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TWO = """
import sys
import torch
from antipodal.training.options import TrainOptions
from antipodal.training.processes import Group
from antipodal.training.samples import Samples, split_by_object
from antipodal.training.trainer import Trainer
sys.path.insert(0, "tests")
from learnable import Blocks


def meet(group):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(5, 2)).to(memory_format=torch.channels_last)
    counts = [torch.arange(p.numel(), dtype=torch.float32).view(p.shape) for p in network.parameters()]
    places = [p.data_ptr() for p in network.parameters()]
    with torch.no_grad():
        for p, c in zip(network.parameters(), counts):
            p.copy_(c + group.rank)  # 0 and 1 beside each other
    group.average(list(network.parameters()))
    for p, c, place in zip(network.parameters(), counts, places):
        assert torch.equal(p, c + 0.5), (group.rank, p)
        assert p.data_ptr() == place  # the optimizer's own tensors
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)


def train(group):
    samples = Samples([Blocks()])
    options = TrainOptions(data=("x",), average="local", average_every=3, batch=64, samples=64 * 4)
    trainer = Trainer(options, group, samples, split_by_object(samples, 0))
    for indices, batch in trainer._rest_of_epoch():
        trainer._step(indices, batch)
        weights = torch.cat([p.detach().reshape(-1) for p in trainer.network.parameters()])
        both = group.gather(weights[None])
        alike = torch.equal(both[0], both[1])
        assert alike == (trainer.progress.step == 3), trainer.progress.step
        if trainer.progress.step == 4:
            break


with Group(torch.device("cpu")) as group:  # one for both: a second may meet the addresses of the first
    meet(group)
    train(group)
"""


def run_two(tmp_path, code):
    """Run code in two processes."""
    script = tmp_path / "two.py"
    script.write_text(code)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(launch, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_averaged_parameters_are_the_mean_in_place_and_weights_the_same_after_a_meeting(tmp_path):
    """And before it, and after the next step, weights differ. Under one torchrun, which imports torch three times."""
    run_two(tmp_path, TWO)
