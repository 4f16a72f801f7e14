"""How long the stages of a plan took."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Dict, Iterator


class Clock:
    """Wall times of named stages [ms]."""

    def __init__(self) -> None:
        self.times_ms: Dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.times_ms[stage] = 1e3 * (time.perf_counter() - start)
