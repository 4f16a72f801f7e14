"""Mixed load of the planner node, a case of soak.py: calls at a steady rate, with random faults beside them."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List, Tuple

import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests"))
import wire_fuzz  # noqa: E402
from ros_client import Client, Failed, scene_request  # noqa: E402
from ros_process import Process, Ros, wait_for  # noqa: E402
from soak_measure import Row, api_address, connected, threads_and_descriptors  # noqa: E402

RATE, CALLERS = 20, 4  # calls a second, of all callers together
FAULT_PERIOD = 2.0  # seconds from one fault to the next


def mixed(ros: Ros, duration: float) -> List[Row]:
    """20 calls a second for a while, with random faults beside them: is anything used up?"""
    node = ros.start_planner("_stream:=true")
    ros.start([sys.executable, str(REPO / "nodes" / "cell_node")])
    wait_for(lambda: ros.serves("/new_scene"), "the cell")
    rng, faults, looks, start = random.Random(1), 0, [], time.monotonic()
    warm = min(60.0, duration / 4)
    every = (duration - warm) / 6
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(_call, ros, start + k / RATE, start + duration) for k in range(CALLERS)]
        while time.monotonic() < start + duration:
            if time.monotonic() > start + warm + len(looks) * every:
                looks.append(_used(node))
                print(f"  {time.monotonic() - start:.0f} s: MiB, threads, descriptors {looks[-1]}", file=sys.stderr)
            rng.choice(FAULTS)(ros, rng)
            faults += 1
            time.sleep(FAULT_PERIOD)
    time.sleep(12)  # until the last clients that said nothing are given up
    looks.append(_used(node))
    answers = [a for caller in callers for a in caller.result()]
    return _rows(duration, answers, faults, looks)


def _call(ros: Ros, start: float, end: float) -> List[Tuple[float, str]]:
    """Calls of one caller at its share of RATE: how long each took [ms], and "" or why it got no plan."""
    client, answers = Client(ros.serves()), []
    while time.monotonic() < end:
        time.sleep(max(0.0, start + len(answers) * CALLERS / RATE - time.monotonic()))
        begin = time.perf_counter()
        try:
            reply = client.ask(scene_request())
            problem = "" if reply.success else reply.reason or "no plan"
        except (OSError, Failed) as e:
            problem, client = repr(e), Client(ros.serves())
        answers.append((1e3 * (time.perf_counter() - begin), problem))
    client.close()
    return answers


def _used(node: Process) -> Tuple[float, int, int]:
    """Memory [MiB], threads and descriptors of the node."""
    return (node.memory(), *threads_and_descriptors(node.pid))


def _rows(
    duration: float, answers: List[Tuple[float, str]], faults: int, looks: List[Tuple[float, int, int]]
) -> List[Row]:
    """The table: what grew between the first look and the last, and all looks."""
    memory, threads, descriptors = zip(*looks)
    took_ms, problems = [a[0] for a in answers], [a[1] for a in answers if a[1]]
    p50, p99 = np.percentile(took_ms, [50, 99])
    note = f"{len(answers) / duration:.1f} calls a second, {faults} faults, p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    note += "".join(f"; {problems.count(p)} {p}" for p in sorted(set(problems)))
    return [
        Row(f"{duration:.0f} s of mixed load: calls without a plan", len(problems), 0, "", note),
        Row("  memory grown", memory[-1] - memory[0], 50, "MiB", " ".join(f"{m:.0f}" for m in memory)),
        Row("  threads more", threads[-1] - threads[0], 3, "", " ".join(map(str, threads))),
        Row("  file descriptors more", descriptors[-1] - descriptors[0], 3, "", " ".join(map(str, descriptors))),
    ]


def _silent_clients(ros: Ros, rng: random.Random) -> None:
    for connection in [Client(ros.serves(), handshake=False) for _ in range(rng.randint(1, 40))]:
        connection.close()


def _xmlrpc_clients(ros: Ros, rng: random.Random) -> None:
    for connection in [connected(api_address(ros)) for _ in range(rng.randint(1, 200))]:
        connection.close()


def _half_requests(ros: Ros, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 10)):
        client = Client(ros.serves())
        client.socket.sendall(bytes(rng.randint(1, 1000)))
        client.close()


def _random_requests(ros: Ros, rng: random.Random) -> None:
    wire_fuzz.fuzz(ros.serves(), 5, rng.randrange(2**32))


def _hung_master(ros: Ros, _: random.Random) -> None:
    os.kill(ros.master.pid, signal.SIGSTOP)
    time.sleep(0.2)
    os.kill(ros.master.pid, signal.SIGCONT)


def _leaving_callers(ros: Ros, rng: random.Random) -> None:
    """Callers that come at one instant, and leave before they are answered."""
    clients = [Client(ros.serves()) for _ in range(rng.randint(1, 3))]
    for client in clients:
        client.send(scene_request())
        client.close()


FAULTS = [_silent_clients, _xmlrpc_clients, _half_requests, _random_requests, _hung_master, _leaving_callers]
