"""What the cases of soak.py share: a row of the table, and looks at a node from outside."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Tuple

import yaml
from rosgraph.network import ROSHandshakeException

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests"))
from ros_client import Client, Failed, scene_request  # noqa: E402
from ros_process import Ros  # noqa: E402


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


def connected(address: Tuple[str, int]) -> socket.socket:
    """A connection that says nothing."""
    return socket.create_connection(address, 10)


def diagnostics(ros: Ros) -> Dict[str, str]:
    """The values of the node's diagnostics."""
    command = ["rostopic", "echo", "-n", "1", "/diagnostics"]
    output = subprocess.run(command, env=ros.environment, capture_output=True, text=True, timeout=60).stdout
    return {v["key"]: v["value"] for v in next(yaml.safe_load_all(output))["status"][0]["values"]}


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads_and_descriptors(pid: int) -> Tuple[int, int]:
    return len(os.listdir(f"/proc/{pid}/task")), descriptors(pid)


def answers(ros: Ros) -> bool:
    try:
        return bool(Client(ros.serves()).ask(scene_request()).success)
    except (OSError, ValueError, ROSHandshakeException, Failed):
        return False


def cpu(pid: int) -> float:
    """CPU time of a process so far [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def exact_cpu(pid: int) -> float:
    """The same of its threads that still run, in steps of nanoseconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            total += int((task / "schedstat").read_text().split()[0])
    return 1e-9 * total


def pid(ros: Ros) -> int:
    return int(xmlrpc.client.ServerProxy(api(ros)).getPid("/test")[2])


def api(ros: Ros) -> str:
    """URI of the node's XML-RPC server."""
    return xmlrpc.client.ServerProxy(ros.uri).lookupNode("/test", "/planner")[2]


def api_address(ros: Ros) -> Tuple[str, int]:
    """Where the node's XML-RPC server listens."""
    return "localhost", int(api(ros).rsplit(":", 1)[1].strip("/"))
