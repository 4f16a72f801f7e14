"""Grasp-quality networks, P(success) = sigmoid(network(crops, conditions)), and the files that they rebuild from.

A file holds tensors and plain values alone: nothing in it is ever executed (`weights_only`).
"""

from __future__ import annotations

import json
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any, Dict, Optional, Tuple, Union

import torch
from torch import nn

from antipodal import resources
from antipodal.errors import InputError, ModelError
from antipodal.files import write_bytes
from antipodal.networks import crops, quantised
from antipodal.networks.architectures import ARCHITECTURES
from antipodal.networks.crops import CONDITIONS
from antipodal.networks.dense_net import DenseNet
from antipodal.networks.pixel_crops import PIXEL_CROP, SUCTION_PIXEL_CROP
from antipodal.networks.suction_crops import SUCTION_CROP, suction_crop_definition
from antipodal.networks.threads import ThreadedNetwork, thread_count

FORMAT = 1
METRIC_CROP = "metric crop"  # crops.py: any camera, any size of gripper
HEIGHT_MAP = "height map"  # planning/dense_scan.py: heights above the table in the pixels of a metric crop

PathLike = Union[str, Path]


class GraspNetwork(nn.Module):
    """A network of a named architecture, with the temperature that calibrates it (Guo et al., ICML 2017).

    The architecture's options are kept so that a model file can rebuild the network from itself. The temperature is
    1 until training has fitted it on validation; every logit is divided by it.
    """

    temperature: torch.Tensor

    def __init__(self, architecture: str = "patch", **options: object):
        super().__init__()
        if architecture not in ARCHITECTURES:
            raise InputError(f"unknown architecture {architecture!r}; possible: {', '.join(ARCHITECTURES)}")
        self.architecture, self.options = architecture, options
        try:
            self.body = ARCHITECTURES[architecture](**options)
        except TypeError as e:
            raise InputError(f"architecture {architecture}: {e}") from e
        self.register_buffer("temperature", torch.ones(()))
        self.examples: Optional[quantised.Examples] = (
            None  # inputs, by which a faster runtime is calibrated and checked
        )

    def forward(self, crops: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Logits (N,) of crops (N, 1, S, S) and conditions (N, C), both float32; see the architectures for S and C."""
        return self.body(crops, conditions) / self.temperature

    @property
    def conditions(self) -> int:
        """How many columns of conditions training feeds: a dense network takes the grasp's height as well."""
        return CONDITIONS + isinstance(self.body, DenseNet)

    def quality(self, crops: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """P(success) (N,) in [0, 1]."""
        return torch.sigmoid(self(crops, conditions))


def crop_definition(network: Optional[GraspNetwork] = None) -> Dict[str, Any]:
    """What `crops.py`, or for a dense network `dense_scan.py`, makes: a model serves only with the crops that it was
    trained on."""
    what = HEIGHT_MAP if network is not None and isinstance(network.body, DenseNet) else METRIC_CROP
    return {"input": what, "size": crops.SIZE, "extent": crops.EXTENT, "clip": crops.CLIP}


def save(path: PathLike, network: GraspNetwork, meta: Dict[str, Any]) -> None:
    """Write a model file, whole or not at all.

    meta: plain JSON values; what the model was trained for. Its "crop" says what the network must be fed, and is
    `crop_definition()` unless given. Raises InputError if meta holds anything else.
    """
    try:
        meta = json.loads(json.dumps({"crop": crop_definition(network), **meta}))
    except (TypeError, ValueError) as e:
        raise InputError(f"a model's meta must hold plain JSON values: {e}") from e
    saved = {
        "format": FORMAT,
        "architecture": network.architecture,
        "options": json.dumps(network.options),
        "state": {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()},
        "meta": json.dumps(meta),
    }
    if network.examples is not None:
        saved["examples"] = [e.detach().cpu().half() for e in network.examples]
    save_plain(path, saved)


def save_plain(path: PathLike, content: object) -> None:
    """Write a dict of tensors and plain values, as `read_plain` reads it."""
    buffer = BytesIO()  # torch ends otherwise than by an OSError where the disk is full
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load(path: PathLike, device: str = "auto") -> Tuple[GraspNetwork, Dict[str, Any]]:
    """The network of a model file, in evaluation mode on `device` (see `pick_device`), and its meta.

    Raises ModelError where the file is missing, damaged, unsafe, of another version or trained on other crops.
    """
    target = pick_device(device)
    saved = read_plain(path)
    number = saved.get("format")
    if not isinstance(number, int) or number != FORMAT:
        raise ModelError(f"{path} has model format {number!r}; this version reads {FORMAT}")
    try:
        network = GraspNetwork(saved["architecture"], **json.loads(saved["options"]))
        network.load_state_dict(saved["state"])
        meta = dict(json.loads(saved["meta"]))
        if "examples" in saved:
            network.examples = _checked_examples(*saved["examples"])
    except (InputError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as e:
        raise ModelError(f"cannot rebuild the model in {path}: {e}") from e
    if not all(bool(torch.isfinite(v).all()) for v in network.state_dict().values()):
        raise ModelError(f"{path} holds weights that are not finite")
    _check_crop(path, network, meta)
    return network.eval().to(target), meta


def _checked_examples(crops_seen: torch.Tensor, conditions_seen: torch.Tensor) -> quantised.Examples:
    """Examples of a model file in single precision. Raises ValueError where they are none."""
    shapes = tuple(crops_seen.shape), tuple(conditions_seen.shape)
    if len(shapes[0]) != 4 or len(shapes[1]) != 2 or shapes[0][0] != shapes[1][0]:
        raise ValueError(f"examples must be crops (N, 1, S, S) and conditions (N, C), got {shapes}")
    return crops_seen.float(), conditions_seen.float()


def for_planning(network: GraspNetwork) -> nn.Module:
    """The same function in a form that runs faster on its device.

    On a CPU that is OpenVINO in 8 bits, where it is installed and the model brings examples (see quantised.py); else
    traced and frozen: up to twice as fast for the crops of one CEM iteration, and at once. `torch.compile`, which torch
    recommends in its place, needs a C++ compiler and most of a minute to start.
    """
    if network.temperature.is_cuda:
        return network
    fast = None if network.examples is None else quantised.quantised(network, network.examples)
    return ThreadedNetwork(fast or _traced(network), thread_count())


def _traced(network: GraspNetwork) -> nn.Module:
    example = torch.zeros(2, 1, crops.SIZE, crops.SIZE), torch.zeros(2, CONDITIONS)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        # Its own check of the trace imports torch.distributed, a third of the node's start; a test of ours compares.
        traced = torch.jit.trace(network.eval(), example, check_trace=False)
        return torch.jit.optimize_for_inference(torch.jit.freeze(traced))


def read_plain(path: PathLike) -> Dict[str, Any]:
    """A dict of tensors and plain values written by `save_plain`; ModelError for anything else."""
    try:
        path = resources.locate("models", path)
    except InputError as e:
        raise ModelError(str(e)) from e
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, on what to do with files of other kinds
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as e:  # a damaged file raises nearly anything; weights_only refuses code before it runs
        raise ModelError(f"{path} is not a readable model file: {_reason(e)}") from e
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds a {type(content).__name__}, not a model")
    return content


def _reason(error: Exception) -> str:
    """Why a file cannot be read, without torch's advice to let it run what it holds."""
    text = (str(error).splitlines() or [""])[0]
    if isinstance(error, EOFError):
        return "it ends too early"
    if isinstance(error, RuntimeError) and "weights" not in text.lower():
        return text
    return "it holds something other than tensors and plain values, and nothing in a file is ever executed"


def _check_crop(path: PathLike, network: GraspNetwork, meta: Dict[str, Any]) -> None:
    crop = meta.get("crop")
    kind = crop.get("input") if isinstance(crop, dict) else None
    made = suction_crop_definition() if kind == SUCTION_CROP else crop_definition(network)
    if kind not in (PIXEL_CROP, SUCTION_PIXEL_CROP) and crop != made:
        raise ModelError(f"{path} was trained on {crop}; this version makes {made}")


def pick_device(name: str) -> torch.device:
    """The torch device of "auto" (cuda where there is one, else cpu), "cpu", "cuda" or "cuda:N"."""
    if not isinstance(name, str):
        raise InputError(f"unknown device {name!r}; possible: auto, cpu, cuda, cuda:N"[:200])
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() and not _lost_cuda() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda") or (index and not (kind == "cuda" and index.isdigit())):
        raise InputError(f"unknown device {name!r}; possible: auto, cpu, cuda, cuda:N")
    if kind == "cuda" and _lost_cuda():
        raise InputError(f"device {name!r} cannot be used in a process forked from one that uses CUDA: spawn it")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise InputError(f"device {name!r} is not there; CUDA devices seen: {torch.cuda.device_count()}")
    return torch.device(name)


def _lost_cuda() -> bool:
    """Whether this process was forked from one that uses CUDA, and so has lost it."""
    return bool(getattr(torch.cuda, "_is_in_bad_fork", bool)())


def count_parameters(network: nn.Module) -> int:
    """How many numbers training may change."""
    return sum(p.numel() for p in network.parameters())


def flops(network: GraspNetwork, size: int = crops.SIZE) -> int:
    """Floating-point operations for one crop of `size` pixels a side; a multiply-add counts as two."""
    from torch.utils.flop_counter import FlopCounterMode  # a tenth of torch's own import, and no plan counts

    device = next(network.parameters()).device
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(torch.zeros(1, 1, size, size, device=device), torch.zeros(1, network.conditions, device=device))
    return int(counter.get_total_flops())
