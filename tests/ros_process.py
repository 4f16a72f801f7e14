"""A roscore and nodes as processes of their own, for tests that kill them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional

REPO = Path(__file__).resolve().parents[1]
START = 60.0  # longest wait for a process to serve [s]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("localhost", 0))
        return s.getsockname()[1]


def wait_for(condition: Callable[[], object], what: str, patience: float = START) -> float:
    """Wait until `condition` holds; how long that took [s]. Raises TimeoutError."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > patience:
            raise TimeoutError(f"{what}: not within {patience:g} s")
        time.sleep(0.02)
    return time.monotonic() - start


def stopped(pid: int) -> List[int]:
    """The process and its descendants, stopped from the top down, so that none of them starts another meanwhile."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return []
    return [pid, *(found for child in children(pid) for found in stopped(child))]


def children(pid: int) -> List[int]:
    """Processes that another has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has gone meanwhile
            if int(path.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


class Process:
    """A process, whose output is kept in a file."""

    def __init__(self, command: List[str], environment: Dict[str, str]):
        self._log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self._popen = subprocess.Popen(
            command, env=environment, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.pid = self._popen.pid

    def kill(self, sign: int = signal.SIGKILL) -> None:
        self._popen.send_signal(sign)

    def wait(self, patience: float = START) -> int:
        """The exit code."""
        return self._popen.wait(patience)

    def runs(self) -> bool:
        return self._popen.poll() is None

    def output(self) -> str:
        return Path(self._log.name).read_text(errors="replace")

    def memory(self) -> float:
        """Resident memory [MiB]."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def close(self) -> None:
        """End it and all that it started, which roslaunch does in sessions of their own."""
        for pid in stopped(self.pid) if self.runs() else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._popen.wait()
        self._log.close()


class Ros:
    """A ROS graph on a port of its own: a master, and nodes in it."""

    def __init__(self, port: Optional[int] = None):
        self.port = port or free_port()
        self.uri = f"http://localhost:{self.port}"
        self.environment = {
            **os.environ,
            "ROS_MASTER_URI": self.uri,
            "ROS_HOSTNAME": "localhost",
            "OMP_NUM_THREADS": "1",
        }
        self._processes: List[Process] = []
        self.master = self.start_master()

    def start_master(self) -> Process:
        """roscore's master, ready. (Not roscore itself, which takes seconds more, for rosout.)"""
        self.master = self.start(["rosmaster", "--core", "-p", str(self.port)])
        wait_for(self._answers, "the master")
        return self.master

    def start(self, command: List[str], **environment: str) -> Process:
        process = Process(command, {**self.environment, **environment})
        self._processes.append(process)
        return process

    def start_planner(self, *arguments: str, wait: bool = True, **environment: str) -> Process:
        """A planner node; with `wait`, one that serves."""
        node = [sys.executable, str(REPO / "nodes" / "planner_node"), "_device:=cpu", *arguments]
        process = self.start(node, **environment)
        if wait:
            wait_for(lambda: self.serves() or not process.runs(), "plan_grasp")
            assert process.runs(), process.output()
        return process

    def serves(self, service: str = "/plan_grasp") -> str:
        """Where the master says that a service is; "" where it knows none or does not answer."""
        try:
            code, _, uri = xmlrpc.client.ServerProxy(self.uri).lookupService("/test", service)
        except OSError:
            return ""
        return uri if code == 1 else ""

    def parameter(self, name: str) -> object:
        """A parameter's value; None where there is none."""
        code, _, value = xmlrpc.client.ServerProxy(self.uri).getParam("/test", name)
        return value if code == 1 else None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return xmlrpc.client.ServerProxy(self.uri).getPid("/test")[0] == 1
        return False

    def close(self) -> None:
        for process in self._processes:
            process.close()


@contextlib.contextmanager
def graph() -> Iterator[Ros]:
    """A ROS graph that ends with the block."""
    ros = Ros()
    try:
        yield ros
    finally:
        ros.close()
