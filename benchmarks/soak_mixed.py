"""Mixed load of the planner node, a case of soak.py: calls at a steady rate, with random faults beside them."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import List

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests"))
import wire_fuzz  # noqa: E402
from ros_client import Client, Failed, scene_request  # noqa: E402
from ros_process import Ros, wait_for  # noqa: E402
from soak_measure import Row, api_address, connected, threads_and_descriptors  # noqa: E402


def mixed(ros: Ros, duration: float) -> List[Row]:
    """20 calls a second for a while, with random faults beside them: is anything used up?"""
    node = ros.start_planner("_stream:=true")
    ros.start([sys.executable, str(REPO / "nodes" / "cell_node")])
    wait_for(lambda: ros.serves("/new_scene"), "the cell")
    rng, client, lost, calls, next_fault = random.Random(1), Client(ros.serves()), 0, 0, 0.0
    start = time.monotonic()
    warm = start + min(30.0, duration / 4)
    before = None
    while time.monotonic() < start + duration:
        if before is None and time.monotonic() > warm:
            before = node.memory(), *threads_and_descriptors(node.pid)
        if time.monotonic() > next_fault:
            rng.choice(FAULTS)(ros, rng)
            next_fault = time.monotonic() + 2
        try:
            lost += not client.ask(scene_request()).success
        except (OSError, Failed):
            lost, client = lost + 1, Client(ros.serves())
        calls += 1
        time.sleep(max(0.0, start + calls / 20 - time.monotonic()))
    client.close()
    time.sleep(12)  # until the last clients that said nothing are given up
    after = node.memory(), *threads_and_descriptors(node.pid)
    grown = [b - a for a, b in zip(before or after, after)]
    return [
        Row(f"{duration:.0f} s of mixed load: calls without a plan", lost, 0, "", f"{calls} calls"),
        Row("  memory grown", grown[0], 50, "MiB", f"{after[0]:.0f} MiB"),
        Row("  threads more", grown[1], 3, "", f"{after[1]} threads"),
        Row("  file descriptors more", grown[2], 3, "", f"{after[2]} descriptors"),
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


FAULTS = [_silent_clients, _xmlrpc_clients, _half_requests, _random_requests, _hung_master]
