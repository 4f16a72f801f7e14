"""The training loop: steps, evaluations, and checkpoints from which a killed run continues to the same result.

All chance is a function of the seed and of a counter (step or epoch) that the checkpoint holds. So there is no
generator's state to keep, and each of several processes can draw what the whole batch needs and take its share.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from antipodal.errors import AntipodalError, InputError
from antipodal.networks.crops import CLIP
from antipodal.networks.gqcnn import GQCNN
from antipodal.networks.model import GraspNetwork, read_plain, save_plain
from antipodal.networks.suction_crops import is_suction
from antipodal.synth.images.noise import load_noise
from antipodal.training import augment
from antipodal.training.metrics import log_loss, roc_auc
from antipodal.training.options import TrainOptions
from antipodal.training.processes import Group
from antipodal.training.samplers import make_sampler
from antipodal.training.samples import Batch, Samples, Split
from antipodal.training.sensor import Sensor, sightings

NORMALISATION_SAMPLES = 5_000
VALIDATION_SAMPLES = 50_000  # enough for a log loss to 0.002, and a few seconds of one core


@dataclass
class Progress:
    """The progress of a run."""

    step: int = 0
    epoch: int = 0
    position: int = 0  # batches done in this epoch
    best_loss: float = math.inf
    stale: int = 0  # evaluations since the best one


class Trainer:
    """Trains a network from random weights and keeps the weights that are best on validation."""

    def __init__(self, options: TrainOptions, group: Group, samples: Samples, split: Split):
        self.options, self.group, self.samples = options, group, samples
        self.share = group.share(options.batch)
        few = min(VALIDATION_SAMPLES, len(split.validation)) // group.world * group.world
        self.train, self.validation = split.train, shuffled(split.validation, options.split_seed)[:few]
        if len(self.train) < options.batch:
            raise InputError(f"{len(self.train)} training samples are fewer than a batch of {options.batch}")
        torch.manual_seed(options.seed)
        self.network = GraspNetwork(options.arch).to(group.device)
        check_crops(self.network, samples, options)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 15 % faster on a CPU
        fit_normalisation(self.network.body, self._examples(split))
        wrap = group.world > 1 and options.average == "gradients"
        self.model = DistributedDataParallel(self.network, broadcast_buffers=False) if wrap else self.network
        self.optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=options.weight_decay)
        self.sensor = None if options.sensor == "none" else Sensor(sightings(samples), load_noise(options.sensor))
        self.sampler = make_sampler(options.sampler, len(self.train), options.seed)
        self.steps = max(1, (options.samples or int(options.epochs * len(self.train))) // options.batch)
        self.progress, self.best, self.history = Progress(), self.weights(), []  # type: ignore[var-annotated]
        self.running = torch.zeros(2, device=group.device)  # sum and count of the training losses since the last report

    def fit(
        self,
        report: Callable[[Dict[str, float]], None] = lambda _: None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Train until the budget is spent or validation stops improving; leaves the best weights in the network.

        report: called with every entry of `history`: samples, rate, train_loss, validation_loss, validation_auc.
        advance: called after every step with how many samples were taken so far.
        """
        while not self.finished():
            for indices, batch in self._rest_of_epoch():
                self._step(indices, batch)
                advance(self.progress.step * self.options.batch)
                if self.progress.step % self._interval() == 0 or self.progress.step == self.steps:
                    report(self._evaluate())
                    self.save_checkpoint()
                if self.finished():
                    break
            else:
                self.progress.epoch, self.progress.position = self.progress.epoch + 1, 0
        self.network.load_state_dict(self.best)

    def finished(self) -> bool:
        return self.progress.step >= self.steps or self.progress.stale >= self.options.patience

    def weights(self) -> Dict[str, torch.Tensor]:
        """A copy of the network's weights."""
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    def predict(self, indices: np.ndarray, batch: int = 1024) -> Tuple[np.ndarray, np.ndarray]:
        """Logits and labels (N,) of N samples."""
        parts = [indices[i : i + batch] for i in range(0, len(indices), batch)]
        logits, labels = [], []
        self.network.eval()
        with torch.no_grad():
            for i, data in enumerate(self._load(parts)):
                crops, conditions = (d.to(self.group.device) for d in (data["crops"], self.conditions(data)))
                if self.sensor:
                    draws = self.sensor.draw(len(crops), [self.options.split_seed, i])
                    crops = self.sensor.disturb(crops, parts[i], draws)
                logits.append(self.network(crops, conditions).float().cpu())
                labels.append(data["labels"])
        self.network.train()
        return torch.cat(logits).numpy(), torch.cat(labels).numpy()

    def _examples(self, split: Split) -> Batch:
        """A few thousand training samples, the same in all processes."""
        few = shuffled(split.train, self.options.split_seed)[:NORMALISATION_SAMPLES]
        batch = self.samples.__getitems__(few)
        return {"crops": batch["crops"], "conditions": self.conditions(batch)}

    def _rest_of_epoch(self) -> Iterator[Tuple[np.ndarray, Batch]]:
        """This process's share of the remaining batches of the epoch, by position in the training part."""
        order, size = self.sampler.order(self.progress.epoch), self.options.batch
        starts = range(self.progress.position * size, len(order) - size + 1, size)
        mine = [order[s : s + size][self.share] for s in starts]
        return zip(mine, self._load([self.train[i] for i in mine]))

    def _load(self, parts: List[np.ndarray]) -> Iterator[Batch]:
        workers = self.options.workers
        return iter(DataLoader(self.samples, batch_sampler=parts, collate_fn=_as_is, num_workers=workers))  # type: ignore[arg-type]

    def _step(self, indices: np.ndarray, batch: Batch) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.progress.step, self.steps, self.options.lr)
        losses = self._losses(indices, batch)
        weights = torch.from_numpy(self.sampler.weights(indices)).to(losses.device)
        self.optimizer.zero_grad(set_to_none=True)
        (losses * weights).mean().backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.optimizer.step()
        self.progress.step, self.progress.position = self.progress.step + 1, self.progress.position + 1
        self._after_step(indices, losses.detach())

    def _losses(self, indices: np.ndarray, batch: Batch) -> torch.Tensor:
        """Cross-entropy (N,) of each sample, with the random variations of this step."""
        device, options = self.group.device, self.options
        inputs = (batch["crops"], self.conditions(batch), batch["labels"])
        crops, conditions, labels = (i.to(device, non_blocking=True) for i in inputs)
        if self.sensor:
            draws = self.sensor.draw(options.batch, [options.seed, self.progress.step])[self.share]
            crops = self.sensor.disturb(crops, self.train[indices], draws)
        seed = int(np.random.SeedSequence([options.seed, self.progress.step]).generate_state(1)[0])
        pixels = self.samples.pixels is not None  # their noise is the generator's
        drawn = augment.draw_variations(options.batch, 0.0 if pixels else options.noise, seed)[self.share]
        crops = augment.vary(crops, drawn, math.inf if pixels else CLIP)
        half = options.precision == "bfloat16" or (options.precision == "auto" and device.type == "cuda")
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            logits = self.model(crops, conditions)
        return F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none")

    def conditions(self, batch: Batch) -> torch.Tensor:
        """The conditions of a batch, as many columns as the network takes (`GraspNetwork.conditions`)."""
        if self.samples.pixels or self.network.conditions == batch["conditions"].shape[1]:
            return batch["conditions"]
        heights = batch.get("heights")
        if heights is None or not bool(torch.isfinite(heights).all()):
            raise InputError(f"{self.options.arch} needs the grasps' heights, which these data lack: make them again")
        return torch.cat([batch["conditions"], heights[:, None]], dim=1)

    def _after_step(self, indices: np.ndarray, losses: torch.Tensor) -> None:
        self.running += torch.stack([losses.sum(), losses.new_tensor(len(losses))])
        if self.options.sampler != "uniform":
            everyones = self.group.gather(torch.from_numpy(indices).to(losses.device))
            self.sampler.record(everyones.cpu().numpy(), self.group.gather(losses).cpu().numpy())
        if self.options.average == "local" and self.progress.step % self.options.average_every == 0:
            self._average_processes()

    def _average_processes(self) -> None:
        """Local SGD: set weights and Adam's moments to their means over the processes."""
        moments = [v for s in self.optimizer.state.values() for v in (s["exp_avg"], s["exp_avg_sq"])]
        self.group.average([*self.network.parameters(), *moments])

    def _interval(self) -> int:
        return max(1, self.options.evaluate_every // self.options.batch)

    def _evaluate(self) -> Dict[str, float]:
        """Append to the history, and keep the weights if they are the best yet."""
        if self.options.average == "local":
            self._average_processes()
        loss, auc = self._validate()
        total, count = self.group.sum(self.running).tolist()
        self.running.zero_()
        if not math.isfinite(loss):
            raise AntipodalError(f"training diverged at step {self.progress.step} (rate {self.options.lr}): try less")
        if loss < self.progress.best_loss:
            self.progress.best_loss, self.progress.stale, self.best = loss, 0, self.weights()
        else:
            self.progress.stale += 1
        rate = learning_rate(self.progress.step, self.steps, self.options.lr)
        entry = {"samples": self.progress.step * self.options.batch, "rate": rate}
        self.history.append({**entry, "train_loss": total / count, "validation_loss": loss, "validation_auc": auc})
        return self.history[-1]

    def _validate(self) -> Tuple[float, float]:
        """Log loss and area under the ROC curve on the validation part, shared evenly by the processes."""
        own = self.predict(self.validation[self.group.rank :: self.group.world])
        logits, labels = (self.group.gather(torch.from_numpy(v).to(self.group.device)).cpu().numpy() for v in own)
        return log_loss(logits, labels), roc_auc(labels >= 0.5, logits)

    def save_checkpoint(self) -> None:
        """Write everything that the rest of the run depends on, in the leading process."""
        if self.group.leads:
            content = {
                "options": self.options.fingerprint(self.samples.digest(), self.group.world),
                "progress": asdict(self.progress),
                "history": json.dumps(self.history),
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "sampler": self.sampler.state(),
                "best": self.best,
                "threads": torch.get_num_threads(),  # sums round otherwise with another number
            }
            save_plain(self.options.checkpoint(), content)

    def resume(self) -> bool:
        """Continue from the checkpoint if there is one. Raises InputError if it is of a run with other options or
        data."""
        path = Path(self.options.checkpoint())
        if not path.exists():
            return False
        saved = read_plain(path)
        expected = self.options.fingerprint(self.samples.digest(), self.group.world)
        told = saved.get("options")
        if not isinstance(told, dict):
            raise InputError(f"{path} is no checkpoint of a training run; remove it or use --resume never")
        differ = [k for k in expected if told.get(k) != expected[k]]
        if differ:
            raise InputError(f"{path} is of a run with other {', '.join(differ)}; remove it or use --resume never")
        try:
            self._restore(saved)
        except (KeyError, TypeError, ValueError, RuntimeError) as e:
            raise InputError(f"{path} is damaged ({e!r:.80}); remove it or use --resume never") from e
        return True

    def _restore(self, saved: Dict[str, Any]) -> None:
        self.progress, self.history = Progress(**saved["progress"]), json.loads(saved["history"])
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.sampler.restore(saved["sampler"])
        self.best = saved["best"]
        torch.set_num_threads(saved.get("threads", torch.get_num_threads()))


def check_crops(network: GraspNetwork, samples: Samples, options: TrainOptions) -> None:
    """Raises InputError where the architecture or the options do not serve the samples' crops."""
    if options.sensor != "none" and is_suction(samples.crop):
        raise InputError("--sensor adds noise to the crops of parallel jaws; a suction cup's bring theirs")
    if samples.pixels is None:
        return
    if not isinstance(network.body, GQCNN):
        raise InputError(
            f"the data hold Dex-Net's pixel crops, which {options.arch} does not take; possible: gqcnn2, "
            "gqcnn2_pool, gqcnn4; for others, generate metric crops (pixel_window 0)"
        )
    if options.sensor != "none":
        raise InputError("--sensor adds noise to metric crops; pixel crops bring theirs from the generator")


@torch.no_grad()
def fit_normalisation(network: torch.nn.Module, examples: Batch) -> None:
    """Set the means and deviations by which a published network standardises its inputs; others have none."""
    if isinstance(network, GQCNN):
        crops, pose = examples["crops"].float(), examples["conditions"][:, : network.inputs].float()
        network.image_mean.fill_(crops.mean())
        network.image_std.fill_(crops.std().clamp_min(1e-6))
        network.pose_mean.copy_(pose.mean(dim=0))
        network.pose_std.copy_(torch.where(pose.std(dim=0) > 1e-6, pose.std(dim=0), torch.ones_like(pose[0])))


def learning_rate(step: int, steps: int, peak: float, warm_up: float = 0.05) -> float:
    """One cycle: a linear rise over the first twentieth, then half a cosine down to a hundredth of the peak."""
    rise = max(1, int(warm_up * steps))
    if step < rise:
        return peak * (step + 1) / rise
    fall = (step - rise) / max(1, steps - rise)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall)))


def shuffled(indices: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(indices)


def _as_is(batch: Batch) -> Batch:
    return batch
