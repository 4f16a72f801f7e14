"""What the node has answered of late, as diagnostics."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import Callable, Deque, Dict, Optional, Tuple

import numpy as np
import rospy
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_updater import DiagnosticStatusWrapper, Updater

RECENT = 1000  # replies that latency and rate are computed from
PERIOD = 1.0  # between two messages [s], by the wall's clock: a simulated one may stand still


class Health:
    """Counts replies by their reason ("" = a plan) and keeps how long the recent ones took. For many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._recent: Deque[Tuple[float, float]] = deque(maxlen=RECENT)  # when [s], how long it took [ms]
        self.replies: Counter = Counter()

    def add(self, reason: str, took_ms: Optional[float]) -> None:
        """One reply more, now; without a time it counts neither in rate nor in latency."""
        with self._lock:
            self.replies[reason] += 1
            if took_ms is not None:
                self._recent.append((self._clock(), took_ms))

    def values(self) -> Dict[str, str]:
        """Rate over the last 10 s [1/s], latency of recent replies [ms], and counts, as diagnostics show them."""
        with self._lock:
            replies, recent = dict(self.replies), list(self._recent)
        lately = [took for when, took in recent if self._clock() - when <= 10]
        p50, p99 = np.percentile([took for _, took in recent], [50, 99]) if recent else (0.0, 0.0)
        values = {
            "rate (1/s)": f"{len(lately) / 10:.1f}",
            "latency p50 (ms)": f"{p50:.1f}",
            "latency p99 (ms)": f"{p99:.1f}",
            "planned": str(replies.pop("", 0)),
        }
        return {**values, **{f"refused: {reason}": str(count) for reason, count in sorted(replies.items())}}


class Diagnostics:
    """Publishes on /diagnostics what `health` counts, beside facts about the node."""

    def __init__(self, health: Health, facts: Callable[[], Dict[str, str]], trouble: Callable[[], str]):
        """facts: further values to show. trouble: what is wrong with the node, "" where nothing is; makes a WARN."""
        self._health, self._facts, self._trouble = health, facts, trouble
        self._updater = Updater()
        self._updater.setHardwareID("none")
        self._updater.add("planning", self._fill)
        threading.Thread(target=self._run, name="diagnostics", daemon=True).start()

    def _fill(self, status: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        trouble = self._trouble()
        status.summary(DiagnosticStatus.WARN if trouble else DiagnosticStatus.OK, trouble or "serving")
        for name, value in {**self._facts(), **self._health.values()}.items():
            status.add(name, value)
        return status

    def _run(self) -> None:
        while not rospy.is_shutdown():
            try:
                self._updater.force_update()
            except rospy.ROSException:  # the node is going down
                return
            time.sleep(PERIOD)
