"""Shared by the GPU benchmarks: the check for a GPU, times of recorded work, and the machine's peak rates."""

from __future__ import annotations

import sys
import time
from typing import Any, Callable, Dict, List

import numpy as np
import torch

Work = Callable[[], Any]


def device_or_exit(dry_run: bool) -> torch.device:
    """The CUDA device; the CPU for a dry run. Without either, exits with code 2 and says why."""
    if dry_run:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        print(
            f"no CUDA device is seen by torch {torch.__version__}; possible: a machine with one and torch's CUDA "
            "build, or --dry-run, which runs everything once on the CPU and gives no figures",
            file=sys.stderr,
        )
        raise SystemExit(2)
    return torch.device("cuda")


def recorded(work: Work) -> Work:
    """The work as a CUDA graph, so that only what runs on the device is timed; warm."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        work()
    return graph.replay


def microseconds(work: Work, repeats: int = 300) -> Dict[str, float]:
    """Median and 99th percentile of one call by the device's own clock, warm."""
    for _ in range(20):
        work()
    begins, ends = ([torch.cuda.Event(enable_timing=True) for _ in range(repeats)] for _ in range(2))
    for begin, end in zip(begins, ends):
        begin.record()
        work()
        end.record()
    torch.cuda.synchronize()
    return spread([1e3 * b.elapsed_time(e) for b, e in zip(begins, ends)])


def wall_microseconds(work: Work, repeats: int = 500) -> Dict[str, float]:
    """Median and 99th percentile of one call by the host's clock; the work waits for its own result."""
    times: List[float] = []
    for _ in range(20):
        work()
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(1e6 * (time.perf_counter() - began))
    return spread(times)


def spread(times: List[float]) -> Dict[str, float]:
    return {"median_us": float(np.median(times)), "p99_us": float(np.percentile(times, 99))}


def kernels_in(work: Work) -> int:
    """Kernels and copies that one call starts on the device."""
    activities = [torch.profiler.ProfilerActivity.CUDA, torch.profiler.ProfilerActivity.CPU]
    work()
    with torch.profiler.profile(activities=activities) as profile:
        work()
        torch.cuda.synchronize()
    return sum(e.device_type == torch.autograd.DeviceType.CUDA for e in profile.events())


def machine() -> Dict[str, float]:
    """Measured here: bytes a second up from pinned memory, FLOP a second of float32 matrices (in TF32 where
    convolutions use it), and seconds for one kernel of a graph that does nothing."""
    host = torch.empty(1 << 26, dtype=torch.uint8, pin_memory=True)
    there = torch.empty_like(host, device="cuda")
    copy = microseconds(lambda: there.copy_(host, non_blocking=True), 50)["median_us"]
    a, before = torch.randn(8192, 8192, device="cuda"), torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    multiply = microseconds(lambda: a @ a, 20)["median_us"]
    torch.backends.cuda.matmul.allow_tf32 = before
    one = torch.zeros(1, device="cuda")
    nothing = microseconds(recorded(lambda: [one.add_(1) for _ in range(500)]), 50)["median_us"]
    return {
        "bytes_per_s": host.numel() / copy * 1e6,
        "flop_per_s": 2 * 8192**3 / multiply * 1e6,
        "s_per_launch": nothing / 500 * 1e-6,
    }


def describe() -> Dict[str, str]:
    return {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "cuda": str(torch.version.cuda)}
