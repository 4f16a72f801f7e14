"""Diagnostics of the node: rate, latency and counts of its replies."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import Callable, Deque, Dict, Optional, Tuple

import numpy as np
import rospy
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_updater import DiagnosticStatusWrapper, Updater

RECENT = 1000  # replies used for latency and rate
WORKING = ("", "no grasp")  # reasons of a planner that works
FAILURES = 5  # this many failures in a row are a warning
PERIOD = 1.0  # between two messages [s] of wall time: a simulated clock may stand still


class ReplyStatistics:
    """Counts replies by reason ("" = a plan) and keeps the latency of recent ones. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._recent: Deque[Tuple[float, float]] = deque(maxlen=RECENT)  # time of the reply [s], latency [ms]
        self._failures: Deque[str] = deque(maxlen=RECENT)  # reasons since the last reply of a working planner
        self.replies: Counter = Counter()

    def add(self, reason: str, latency_ms: Optional[float]) -> None:
        """Count a reply. Without a latency it counts neither in the rate nor in the latencies."""
        with self._lock:
            self.replies[reason] += 1
            if reason in WORKING:
                self._failures.clear()
            else:
                self._failures.append(reason)
            if latency_ms is not None:
                self._recent.append((self._clock(), latency_ms))

    def problem(self) -> str:
        """What to warn of if all of the last replies are failures; "" otherwise."""
        with self._lock:
            failures = list(self._failures)
        if len(failures) < FAILURES:
            return ""
        reasons = ", ".join(f"{failures.count(reason)} {reason}" for reason in sorted(set(failures)))
        return f"the last {len(failures)} requests failed: {reasons}"

    def values(self) -> Dict[str, str]:
        """Rate over the last 10 s [1/s], latency of recent replies [ms] and counts, by the names in diagnostics."""
        with self._lock:
            replies, recent = dict(self.replies), list(self._recent)
        last_10_s = [latency for time_, latency in recent if self._clock() - time_ <= 10]
        p50, p99 = np.percentile([latency for _, latency in recent], [50, 99]) if recent else (0.0, 0.0)
        values = {
            "rate (1/s)": f"{len(last_10_s) / 10:.1f}",
            "latency p50 (ms)": f"{p50:.1f}",
            "latency p99 (ms)": f"{p99:.1f}",
            "planned": str(replies.pop("", 0)),
        }
        return {**values, **{f"refused: {reason}": str(count) for reason, count in sorted(replies.items())}}


class Diagnostics:
    """Publishes on /diagnostics what `statistics` counts, beside values about the node."""

    def __init__(self, statistics: ReplyStatistics, values: Callable[[], Dict[str, str]], problem: Callable[[], str]):
        """values: further values to show. problem: what is wrong with the node, "" where nothing is; makes a WARN."""
        self._statistics, self._status_values, self._problem = statistics, values, problem
        self._updater = Updater()
        self._updater.setHardwareID("none")
        self._updater.add("planning", self._fill)
        threading.Thread(target=self._run, name="diagnostics", daemon=True).start()

    def _fill(self, status: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        problem = self._problem()
        status.summary(DiagnosticStatus.WARN if problem else DiagnosticStatus.OK, problem or "serving")
        for name, value in {**self._status_values(), **self._statistics.values()}.items():
            status.add(name, value)
        return status

    def _run(self) -> None:
        while not rospy.is_shutdown():
            try:
                self._updater.force_update()
            except rospy.ROSException:  # the node is going down
                return
            except Exception as e:  # the next message is tried all the same
                rospy.logerr_throttle(5, f"diagnostics could not be published: {e!r}")
            time.sleep(PERIOD)
