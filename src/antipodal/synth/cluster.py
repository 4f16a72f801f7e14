"""Shards made on a Ray cluster. Only this module needs Ray. Nodes need the package but no shared disk: shards come back
to the machine that asked for them, which writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List

import numpy as np

from antipodal.errors import InputError
from antipodal.synth.run import Run, keep_shard
from antipodal.synth.run_setup import Setup
from antipodal.synth.sample import make_shard

IN_FLIGHT = 2  # shards asked for at once, a core


def make_on_cluster(folder: Path, setup: Setup, run: Run, todo: List[int], address: str) -> Iterator[int]:
    """Make shards on the Ray cluster at `address` ("auto": one on this machine); yields how many samples each held.

    A shard whose worker or node is lost is made again elsewhere, from the same seed, so its bytes are the same.
    """
    ray = _connect(address)
    remote = ray.remote(max_retries=-1)(make_shard)
    shared, waiting = ray.put(setup), list(reversed(todo))
    pending: Dict[Any, int] = {}
    while pending or waiting:
        room = IN_FLIGHT * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while waiting and len(pending) < room:
            index = waiting.pop()
            pending[remote.remote(shared, index)] = index
        for done in ray.wait(list(pending))[0]:
            yield keep_shard(folder, run, pending.pop(done), _get(ray, done))


def _get(ray, reference) -> Dict[str, np.ndarray]:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as e:
        reason = str(e).strip().splitlines()[-1]
        raise InputError(f"a node could not make its shard ({reason}); is this package installed on all nodes?") from e


def _connect(address: str):
    try:
        import ray
    except ImportError as e:
        raise InputError("--ray needs Ray: pip install ray") from e
    if not ray.is_initialized():
        try:
            ray.init(address=address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as e:
            raise InputError(f"no Ray cluster at {address!r} ({e}); start one with: ray start --head") from e
    return ray
