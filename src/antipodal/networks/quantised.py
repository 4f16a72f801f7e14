"""A faster runtime on a CPU: OpenVINO in 8 bits (the extra `fast`), calibrated on crops that came with the model.

After training: convolutions' weights are rounded per output channel, their inputs per layer by the range that they take
on the examples (Jacob et al., CVPR 2018). What it answers on them is compared with torch's answers before it is taken.
"""

from __future__ import annotations

import warnings
from queue import SimpleQueue
from typing import Any, List, Optional, Tuple

import numpy as np
import torch

from antipodal.networks.forks import renew_after_fork
from antipodal.networks.signal_stack import kept_signal_stack
from antipodal.networks.silent_openvino import silent_openvino
from antipodal.networks.threads import single_threaded_torch, thread_count

Examples = Tuple[torch.Tensor, torch.Tensor]  # crops (N, 1, S, S) and conditions (N, C), both float32

BATCH = 10  # crops a call: the runtime compiles for fixed shapes, and a last batch is filled up
MAX_MEAN_ERROR, MAX_ERROR = 0.01, 0.3  # of P(success) on the examples, for the runtime to be taken


@torch.no_grad()
def quantised(network: torch.nn.Module, examples: Examples) -> Optional[Quantised]:
    """`network` in 8 bits; None where OpenVINO is not installed, or with a warning where it answers otherwise."""
    try:
        with kept_signal_stack(), silent_openvino() as openvino:
            model = _in_8_bits(openvino, network, examples)
            fast = Quantised([_Worker(openvino, model) for _ in range(thread_count())])
        wrong = (torch.sigmoid(fast(*examples)) - torch.sigmoid(network(*examples))).abs()
    except ImportError:
        return None
    except Exception as e:  # a library that others install: planning goes on without it whatever it raises
        warnings.warn(f"OpenVINO cannot run this network, torch does: {e}", RuntimeWarning, stacklevel=2)
        return None
    if not (wrong.mean() <= MAX_MEAN_ERROR and wrong.max() <= MAX_ERROR):
        text = f"in 8 bits P(success) is off by {wrong.mean():.3f} on average and {wrong.max():.3f} at most"
        warnings.warn(f"{text}; torch runs the network", RuntimeWarning, stacklevel=2)
        return None
    return fast


class Quantised(torch.nn.Module):
    """A compiled network, called as the network is, by as many threads at once as it has workers; others wait."""

    def __init__(self, workers: List[_Worker]):
        super().__init__()
        self._workers = workers
        self.renew()
        renew_after_fork(self)

    def __reduce__(self) -> tuple:
        raise TypeError("a network compiled by OpenVINO cannot be pickled; pickle the GraspPlanner or the GraspNetwork")

    def renew(self) -> None:
        """Take all workers as free."""
        self._free: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)

    def forward(self, crops: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Logits (N,) float32."""
        logits = np.empty(len(crops), np.float32)
        worker = self._free.get()
        try:
            worker([crops.numpy(), conditions.numpy()], logits)
        finally:
            self._free.put(worker)
        return torch.from_numpy(logits)


class _Worker:
    """A compiled network that runs in the thread that calls it: with more than one stream it would hand over each batch
    to a thread of its own, which costs a third of a batch's time."""

    def __init__(self, openvino: Any, model: Any):
        options = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False}
        compiled = openvino.Core().compile_model(model, "CPU", options)
        self._inputs = [np.zeros(tuple(i.shape), np.float32) for i in compiled.inputs]
        self._request = compiled.create_infer_request()
        for i, memory in enumerate(self._inputs):
            self._request.set_input_tensor(i, openvino.Tensor(memory, shared_memory=True))

    def __call__(self, given: List[np.ndarray], logits: np.ndarray) -> None:
        """Write the logits (N,) of the crops and conditions (N, ...)."""
        for first in range(0, len(logits), BATCH):
            count = min(BATCH, len(logits) - first)
            for mine, theirs in zip(self._inputs, given):
                mine[:count] = theirs[first : first + count]
            self._request.infer()
            logits[first : first + count] = self._request.get_output_tensor(0).data[:count]


def _in_8_bits(openvino: Any, network: torch.nn.Module, examples: Examples) -> Any:
    """The network as OpenVINO's model, in 8 bits."""
    with warnings.catch_warnings(), single_threaded_torch():
        warnings.simplefilter("ignore")
        example = examples[0][:BATCH], examples[1][:BATCH]
        # OpenVINO's own tracing checks the trace, for which torch imports its distributed tensors and sympy
        traced = torch.jit.trace(network, example, strict=False, check_trace=False)
        model = openvino.convert_model(traced, example_input=example, input=[list(e.shape) for e in example])
    layers = [op for op in model.get_ordered_ops() if _is_convolution(op)]
    for op, (low, high) in zip(layers, _ranges(openvino, model, layers, examples)):
        _round_layer(openvino, op, low, high)
    return model


def _is_convolution(op: Any) -> bool:
    """Whether an operation is a convolution with weights of its own. The linear layers at the end cost little time and,
    in 8 bits, make most of the error."""
    return op.get_type_name() == "Convolution" and op.input_value(1).get_node().get_type_name() == "Constant"


def _ranges(openvino: Any, model: Any, layers: List[Any], examples: Examples) -> np.ndarray:
    """Least and greatest input (L, 2) of each layer over the examples."""
    outputs = [op.input_value(0) for op in layers]
    compiled = openvino.Core().compile_model(openvino.Model(outputs, model.get_parameters()), "CPU")
    ranges = np.array([[np.inf, -np.inf]] * len(layers))
    for first in range(0, len(examples[0]) - BATCH + 1, BATCH):
        found = compiled([t[first : first + BATCH].numpy() for t in examples])
        for k in range(len(layers)):
            ranges[k] = min(ranges[k, 0], found[k].min()), max(ranges[k, 1], found[k].max())
    return ranges


def _round_layer(openvino: Any, op: Any, low: float, high: float) -> None:
    """Round a layer's input to 256 levels, unsigned where it is never negative, and its weights to 255 a channel."""
    from openvino import opset8

    high = max(high, -low, 1e-6)
    ends = [np.float32(e) for e in ((0.0 if low >= 0 else -high), high if low >= 0 else high * 127 / 128)]
    op.input(0).replace_source_output(opset8.fake_quantize(op.input_value(0), *ends, *ends, 256).output(0))
    weights = op.input_value(1)
    values = np.abs(weights.get_node().data).astype(np.float32)
    largest = np.maximum(values.max(axis=tuple(range(1, values.ndim)), keepdims=True), 1e-12)
    rounded = opset8.fake_quantize(weights, -largest, largest, -largest, largest, 255)
    op.input(1).replace_source_output(rounded.output(0))
