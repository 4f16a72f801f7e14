"""What is too slow for the tests of the planner node, as a table: python benchmarks/soak.py [--requests N].

Exit code 1 where a limit is not held.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List

import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests"))
from ros_client import Client, scene_request  # noqa: E402
from ros_process import Ros, graph, wait_for  # noqa: E402

WARM = 200  # requests before memory is taken for settled


@dataclass
class Row:
    """One measurement, and what it may be at most."""

    what: str
    value: float
    limit: float
    unit: str
    note: str = ""

    @property
    def held(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "ok" if self.held else "NOT HELD"
        return f"{self.what:52} {self.value:9.2f} {self.limit:9.2f} {self.unit:4} {verdict:9} {self.note}"


def in_a_row(ros: Ros, count: int) -> List[Row]:
    """Many requests, one after the other."""
    node, client = ros.start_planner(), Client(ros.serves())
    took, lost, before = [], 0, 0.0
    for i in range(count):
        if i == min(WARM, count // 2):
            before = node.memory()
        start = time.perf_counter()
        lost += not client.ask(scene_request()).success
        took.append(1e3 * (time.perf_counter() - start))
    p50, p99 = np.percentile(took, [50, 99])
    note = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, {node.memory():.0f} MiB"
    return [
        Row(f"{count} requests in a row: without a plan", lost, 0, "", note),
        Row("  memory grown since the first hundreds", node.memory() - before, 20, "MiB"),
    ]


def at_once(ros: Ros, count: int = 200) -> List[Row]:
    """Many callers at once, all of whom get a plan or are told that the node is busy."""
    node = ros.start_planner()
    before = node.memory()

    def ask(_: int) -> str:
        try:
            return Client(ros.serves()).ask(scene_request()).reason or "planned"
        except Exception as e:
            return f"lost: {e}"

    with ThreadPoolExecutor(count) as callers:
        answers = list(callers.map(ask, range(count)))
    kinds = {kind: answers.count(kind) for kind in sorted(set(answers))}
    lost = count - kinds.get("planned", 0) - kinds.get("busy", 0)
    return [
        Row(f"{count} callers at once: replies lost", lost, 0, "", str(kinds)),
        Row("  memory grown", node.memory() - before, 300, "MiB"),
    ]


def rubbish(ros: Ros, count: int = 300) -> List[Row]:
    """Requests with random sizes, steps, encodings and data, over the wire: how long until they are refused."""
    ros.start_planner()
    client, rng, took = Client(ros.serves()), random.Random(1), []
    for _ in range(count):
        request = scene_request()
        image, info = request.depth_image, request.camera_info
        for part in rng.sample(["width", "height", "step", "encoding", "data", "P", "roi"], rng.randint(1, 3)):
            if part == "encoding":
                image.encoding = rng.choice(["16UC1", "mono16", "rgb8", ""])
            elif part == "data":
                image.data = os.urandom(len(image.data))
            elif part == "P":
                info.P = [rng.choice([0.0, float("nan"), -1e300, 1e300]) for _ in info.P]
            elif part == "roi":
                request.roi.x_offset, request.roi.width = rng.getrandbits(32), rng.getrandbits(32)
            else:
                setattr(image, part, rng.choice([0, 1, 321, 2**31, 2**32 - 1]))
        start = time.perf_counter()
        reply = client.ask(request)
        if reply.reason == "bad input":
            took.append(1e3 * (time.perf_counter() - start))
    return [Row(f"{count} requests of rubbish: slowest refusal", max(took), 50, "ms", f"{len(took)} refused")]


def silent(ros: Ros, count: int = 60) -> List[Row]:
    """Clients that connect and say nothing, while another asks."""
    ros.start_planner()
    held = [Client(ros.serves(), handshake=False) for _ in range(count)]
    start = time.perf_counter()
    assert Client(ros.serves()).ask(scene_request()).success
    return [Row(f"a plan beside {len(held)} silent clients", time.perf_counter() - start, 1, "s")]


def signals(ros: Ros) -> List[Row]:
    """SIGINT and SIGTERM while it plans."""
    rows = []
    for sign in (signal.SIGINT, signal.SIGTERM):
        node = ros.start_planner()
        Client(ros.serves()).send(scene_request())
        start = time.perf_counter()
        node.kill(sign)
        code = node.wait()
        rows.append(Row(f"{sign.name} in mid-call: gone", time.perf_counter() - start, 2, "s", f"exit code {code}"))
    return rows


def respawn(ros: Ros) -> List[Row]:
    """kill -9, and a master that comes back, under roslaunch."""
    ros.start(["roslaunch", str(REPO / "launch" / "planner.launch"), "device:=cpu", "max_grasps:=2"])
    wait_for(ros.serves, "plan_grasp")
    wait_for(lambda: _answers(ros), "a plan")
    os.kill(_pid(ros), signal.SIGKILL)
    back = wait_for(lambda: _answers(ros), "a plan after kill -9")
    ros.master.kill()
    ros.master.wait()
    ros.start_master()
    served = wait_for(lambda: _answers(ros), "a plan after the master came back")
    kept = ros.parameter("/planner/max_grasps") == 2
    return [
        Row("kill -9, respawn: plans again", back, 5, "s"),
        Row("master killed, started again: plans again", served, 5, "s", f"parameters kept: {kept}"),
    ]


def _answers(ros: Ros) -> bool:
    try:
        return bool(Client(ros.serves()).ask(scene_request()).success)
    except (OSError, ValueError):
        return False


def _pid(ros: Ros) -> int:
    uri = xmlrpc.client.ServerProxy(ros.uri).lookupNode("/test", "/planner")[2]
    return int(xmlrpc.client.ServerProxy(uri).getPid("/test")[2])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000, help="in a row")
    arguments = parser.parse_args()
    cases: List[Callable[[Ros], List[Row]]] = [
        signals,
        silent,
        at_once,
        rubbish,
        respawn,
        lambda ros: in_a_row(ros, arguments.requests),
    ]
    print(f"{'':52} {'measured':>9} {'limit':>9}", flush=True)
    held = True
    for case in cases:
        with graph() as ros:
            for row in case(ros):
                print(row, flush=True)
                held &= row.held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
