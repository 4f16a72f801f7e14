"""What is too slow for the tests of the planner node, as a table: python benchmarks/soak.py [--requests N].

Exit code 1 where a limit is not held.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Callable, Dict, List

import numpy as np
from rosgraph.network import ROSHandshakeException

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests"))
import wire_fuzz  # noqa: E402
from ros_client import Client, scene_request  # noqa: E402
from ros_process import Ros, graph, wait_for  # noqa: E402
from soak_measure import Row, answers, api_address, connected, cpu, descriptors, diagnostics, exact_cpu, pid  # noqa: E402
from soak_mixed import mixed  # noqa: E402

WARM = 200  # requests before memory is taken for settled


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


def at_once(ros: Ros, count: int = 400) -> List[Row]:
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


def fuzz(ros: Ros, count: int) -> List[Row]:
    """Random requests over the wire: none is lost, and refusals are quick."""
    node = ros.start_planner()
    before = node.memory()
    tally = wire_fuzz.fuzz(ros.serves(), count, 1, lambda: exact_cpu(node.pid))
    p50, p99, most = np.percentile(tally.refusal_ms, [50, 99, 100])
    cpu50, cpu99, cpu_most = np.percentile(tally.refusal_cpu_ms, [50, 99, 100])
    errors = node.output().count("Traceback")
    return [
        Row(f"{count} random requests: lost", len(tally.lost), 0, "", str(tally.replies)),
        Row("  tracebacks of the node", errors, 0, ""),
        Row("  slowest refusal", most, 50, "ms", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, load {os.getloadavg()[0]:.0f}"),
        Row("  most CPU of the node for a refusal", cpu_most, 50, "ms", f"p50 {cpu50:.1f} ms, p99 {cpu99:.1f} ms"),
        Row("  memory grown", node.memory() - before, 100, "MiB"),
    ]


def silent(ros: Ros, count: int = 60) -> List[Row]:
    """Clients that connect and say nothing, while another asks."""
    ros.start_planner()
    held = [Client(ros.serves(), handshake=False) for _ in range(count)]
    start = time.perf_counter()
    assert Client(ros.serves()).ask(scene_request()).success
    return [Row(f"a plan beside {len(held)} silent clients", time.perf_counter() - start, 1, "s")]


def exhausted(ros: Ros) -> List[Row]:
    """Clients that use up what the node may have: connections of its XML-RPC server, then file descriptors."""
    limits = ["prlimit", "--nofile=400", "--data=8589934592", "--"]
    node = ros.start([*limits, sys.executable, str(REPO / "nodes" / "planner_node"), "_device:=cpu"])
    wait_for(ros.serves, "plan_grasp")
    rows, before = [], descriptors(node.pid)
    silent = [connected(api_address(ros)) for _ in range(700)]
    start = time.perf_counter()
    assert Client(ros.serves()).ask(scene_request()).success
    note = f"{descriptors(node.pid) - before} descriptors held"
    rows.append(Row("a plan beside 700 clients of the XML-RPC port", time.perf_counter() - start, 1, "s", note))
    for connection in silent:
        connection.close()
    held = _until_refused(ros.serves())
    for client in held:
        client.close()
    back = wait_for(lambda: answers(ros), "a plan after they have left")
    note = f"{len(held)} connections; the node runs: {node.runs()}"
    return [*rows, Row("service connections to the limit, then none: a plan", back, 10, "s", note)]


def _until_refused(uri: str) -> List[Client]:
    """Connections to the service, until there are no more, which each hold a descriptor and a thread of the node."""
    held: List[Client] = []
    with contextlib.suppress(OSError, ROSHandshakeException):
        while len(held) < 2000:
            held.append(Client(uri))
            held[-1].socket.settimeout(2)
    return held


def hung_master(ros: Ros) -> List[Row]:
    """Replies while the master is stopped."""
    ros.start_planner()
    client = Client(ros.serves())
    client.ask(scene_request())
    os.kill(ros.master.pid, signal.SIGSTOP)
    try:
        start = time.perf_counter()
        assert client.ask(scene_request()).success
        return [Row("a plan beside a master that hangs", time.perf_counter() - start, 1, "s")]
    finally:
        os.kill(ros.master.pid, signal.SIGCONT)


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
    wait_for(lambda: answers(ros), "a plan")
    os.kill(pid(ros), signal.SIGKILL)
    back = wait_for(lambda: answers(ros), "a plan after kill -9")
    used = cpu(pid(ros))
    ros.master.kill()
    ros.master.wait()
    ros.start_master()
    served = wait_for(lambda: answers(ros), "a plan after the master came back")
    kept = ros.parameter("/planner/max_grasps") == 2
    return [
        Row("kill -9, respawn: plans again", back, 5, "s", f"{used:.1f} s of CPU, {os.getloadavg()[0]:.0f} busy"),
        Row("master killed, started again: plans again", served, 5, "s", f"parameters kept: {kept}"),
    ]


def stream_beside_requests(ros: Ros, watched: float = 10.0) -> List[Row]:
    """~stream while other callers keep the queue full: attempts of the stream that are refused, a second."""
    ros.start_planner("_stream:=true", "_max_waiting:=2")
    ros.start([sys.executable, str(REPO / "nodes" / "cell_node")])
    wait_for(lambda: ros.serves("/new_scene"), "the cell")
    end, planned = time.monotonic() + watched, 0

    def call() -> int:
        client, plans = Client(ros.serves()), 0
        while time.monotonic() < end:
            plans += client.ask(scene_request()).success
        return plans

    with ThreadPoolExecutor(6) as callers:
        planned = sum(callers.map(lambda _: call(), range(6)))
    values = diagnostics(ros)
    refused = int(values.get("stream refused: busy", 0)) / watched
    note = f"{planned} plans of the callers, {values['stream planned']} of the stream"
    return [Row("stream beside a full queue: refused attempts", refused, 25, "1/s", note)]


def stream(ros: Ros, watched: float = 15.0) -> List[Row]:
    """~stream on the simulated cell's camera, 30 images a second."""
    ros.start_planner("_stream:=true")
    ros.start([sys.executable, str(REPO / "nodes" / "cell_node")])
    wait_for(lambda: ros.serves("/new_scene"), "the cell")
    time.sleep(watched)
    values = diagnostics(ros)
    took = f"p50 {values['stream latency p50 (ms)']} ms"
    note = f"{values['stream rate (1/s)']} answers a second, {values['stream skipped']} images skipped, {took}"
    return [
        Row(
            "stream at 30 images/s: p99 from stamp to grasps", float(values["stream latency p99 (ms)"]), 100, "ms", note
        )
    ]


CASES: Dict[str, Callable[[Ros, argparse.Namespace], List[Row]]] = {
    "signals": lambda ros, _: signals(ros),
    "silent": lambda ros, _: silent(ros),
    "at_once": lambda ros, _: at_once(ros),
    "exhausted": lambda ros, _: exhausted(ros),
    "hung_master": lambda ros, _: hung_master(ros),
    "fuzz": lambda ros, arguments: fuzz(ros, arguments.fuzz),
    "respawn": lambda ros, _: respawn(ros),
    "stream": lambda ros, _: stream(ros),
    "stream_beside_requests": lambda ros, _: stream_beside_requests(ros),
    "mixed": lambda ros, arguments: mixed(ros, arguments.mixed),
    "in_a_row": lambda ros, arguments: in_a_row(ros, arguments.requests),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000, help="in a row")
    parser.add_argument("--mixed", type=float, default=120, help="seconds of mixed load")
    parser.add_argument("--fuzz", type=int, default=5_000, help="random requests")
    parser.add_argument("--only", choices=sorted(CASES), nargs="+", default=list(CASES), help="these cases")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that its processes end with it
    print(f"{'':52} {'measured':>9} {'limit':>9}", flush=True)
    rows: List[Row] = []
    for name in arguments.only:
        with graph() as ros:
            for row in CASES[name](ros, arguments):
                print(row, flush=True)
                rows.append(row)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0 if all(row.held for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
