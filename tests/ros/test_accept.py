"""ros.accept: a node goes on accepting after its file descriptors or threads ran out."""

import contextlib
import http.client
import io
import os
import socket
import sys
import time
import types
import xmlrpc.client

import pytest
from conftest import REPO, ros_or_skip

ros_or_skip()

from ros_client import Client, scene_request
from ros_process import graph, wait_for
from rosgraph.network import read_ros_handshake_header, write_ros_handshake_header

from antipodal.msg import GraspArray
from antipodal.ros import accept, connection_limits

DESCRIPTORS = 300  # of the node; its XML-RPC server alone may hold 128


@pytest.fixture(scope="module")
def limited():
    """A graph with a node that may open few files, and start few threads."""
    with graph() as ros:
        limits = ["prlimit", f"--nofile={DESCRIPTORS}", "--data=4294967296", "--"]
        node = ros.start([*limits, sys.executable, str(REPO / "nodes/planner_node"), "_device:=cpu"])
        wait_for(lambda: ros.serves() or not node.runs(), "plan_grasp")
        assert node.runs(), node.output()
        yield ros, node


def plans(uri):
    with contextlib.suppress(OSError, AssertionError, Exception):
        client = Client(uri)
        client.socket.settimeout(5)
        return bool(client.ask(scene_request()).success)
    return False


def xmlrpc_port(ros):
    uri = xmlrpc.client.ServerProxy(ros.uri).lookupNode("/test", "/planner")[2]
    return int(uri.rsplit(":", 1)[1].strip("/"))


def descriptors(node):
    return len(os.listdir(f"/proc/{node.pid}/fd"))


def connect(port, count):
    """Connections to a port that say nothing."""
    connections = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            connections.append(socket.create_connection(("localhost", port), 2))
    return connections


def test_silent_clients_of_the_xmlrpc_server_are_limited_and_block_nobody(limited):
    ros, node = limited
    before, held = descriptors(node), connect(xmlrpc_port(ros), 3 * accept.XMLRPC_CONNECTIONS)
    assert len(held) == 3 * accept.XMLRPC_CONNECTIONS
    wait_for(lambda: descriptors(node) <= before + accept.XMLRPC_CONNECTIONS + 5, "the oldest connections are closed")
    api = xmlrpc.client.ServerProxy(f"http://localhost:{xmlrpc_port(ros)}")
    assert api.getPid("/test")[2] == node.pid
    assert plans(ros.serves())
    for connection in held:
        connection.close()


def test_a_node_out_of_descriptors_closes_connections_and_serves_again_when_they_have_left(limited):
    ros, node = limited
    uri = ros.serves()
    persistent = []  # service connections, each a descriptor of the node, until none is left
    with contextlib.suppress(Exception):
        while len(persistent) < 2 * DESCRIPTORS:
            client = Client(uri)
            client.socket.settimeout(2)
            persistent.append(client)
    assert descriptors(node) >= DESCRIPTORS - 10
    assert len(persistent) < DESCRIPTORS
    assert not plans(uri)
    for client in persistent:
        client.close()
    wait_for(lambda: plans(uri), "a plan after they have left", 20)
    assert node.runs()


def subscriber(uri):
    """A connection that subscribes to ~grasps and reads nothing; None if it is refused."""
    host, port = uri[len("rosrpc://") :].rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), 10)
    fields = {"topic": "/planner/grasps", "md5sum": GraspArray._md5sum, "callerid": f"/test_{id(sock)}"}
    write_ros_handshake_header(sock, {**fields, "type": GraspArray._type})
    if "error" in read_ros_handshake_header(sock, io.BytesIO(), 4096):
        sock.close()
        return None
    return sock


def test_subscribers_are_limited_and_those_that_left_make_room(limited):
    ros, _ = limited
    made = [subscriber(ros.serves()) for _ in range(accept.SUBSCRIBERS + 20)]
    connected = [sock for sock in made if sock]
    assert 0 <= accept.SUBSCRIBERS - len(connected) < 10, "rosout and the like take some"
    assert plans(ros.serves())
    for sock in connected:
        sock.close()
    wait_for(lambda: subscriber(ros.serves()), "a new subscriber", 20)


def test_the_thread_that_connects_to_publishers_survives_errors(monkeypatch):
    """As when no thread can be started for a connection."""
    monkeypatch.setattr(accept.rospy, "logwarn_throttle", lambda *_: None)
    manager, runs = types.SimpleNamespace(handler=types.SimpleNamespace(done=False)), []

    def run(manager):
        runs.append(manager)
        manager.handler.done = len(runs) == 3
        raise RuntimeError("can't start new thread")

    accept.keep_running(run, manager)
    assert len(runs) == 3


def test_no_thread_for_a_connection_ends_neither_the_accepting_thread_nor_its_slots(monkeypatch):
    """With threads that cannot be started, a connection is closed and its slot is free again."""
    started = []

    def inbound_handler(sock, address):
        started.append(address)
        if len(started) < 3:
            raise RuntimeError("can't start new thread")
        sock.sendall(b"served")

    monkeypatch.setattr(accept.rospy, "logwarn_throttle", lambda *_: None)
    server = type("Server", (), {})()
    server.inbound_handler, server.server_sock = inbound_handler, socket.create_server(("localhost", 0))
    thread = accept.threading.Thread(target=accept.accept_connections, args=(server,), daemon=True)
    thread.start()
    answers = []
    for _ in range(3):
        with socket.create_connection(server.server_sock.getsockname(), 5) as client:
            answers.append(client.recv(6))
    assert answers == [b"", b"", b"served"]
    server.is_shutdown = True
    socket.create_connection(server.server_sock.getsockname(), 5).close()
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize("length", ["-1", str(accept.XMLRPC_REQUEST + 1), "x", ""])
def test_an_xmlrpc_request_of_impossible_length_is_refused(limited, length):
    ros, _ = limited
    connection = http.client.HTTPConnection("localhost", xmlrpc_port(ros), timeout=10)
    connection.putrequest("POST", "/RPC2", skip_accept_encoding=True)
    connection.putheader("Content-Length", length)
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_honest_clients_get_a_slot_beside_silent_ones():
    """Slots go to the next connection when the oldest has said nothing for a while."""
    slots, pairs = connection_limits.HeaderSlots(3), [socket.socketpair() for _ in range(8)]
    start = time.monotonic()
    for silent, _ in pairs:
        slots.acquire(silent)
    assert time.monotonic() - start >= connection_limits.MIN_HEADER_TIME
    closed = [client.recv(1) == b"" for _, client in pairs[:5]]
    assert closed == [True] * 5
    for pair in pairs:
        for end in pair:
            end.close()
