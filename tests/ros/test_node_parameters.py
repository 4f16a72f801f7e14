"""ros.node_parameters and ros.master_client: a restarted master is given the node's parameters, whatever it answers."""

import socket
import threading
from xmlrpc.server import SimpleXMLRPCServer

import pytest
from conftest import ros_or_skip

ros_or_skip()

from antipodal.ros.master_client import MasterClient, MasterUnavailable
from antipodal.ros.node_parameters import NodeParameters

VALUES = {"gripper": "franka.yaml", "max_grasps": 3, "options": {"min_quality": 0.1, "clearance": {"below": 0.004}}}


class Master:
    """A master in memory; `down` to have it not answer."""

    def __init__(self):
        self.parameters, self.services, self.down = {}, set(), False

    def restart(self):
        self.parameters, self.services = {}, set()

    def _answer(self):
        if self.down:
            raise MasterUnavailable("down")

    def parameter(self, name, default):
        self._answer()
        return self.parameters.get(name, default)

    def set_parameter(self, path, value):
        self._answer()
        _, node, *names = path.split("/")
        if not names:
            self.parameters[f"/{node}"] = value
            return
        tree = self.parameters.setdefault(f"/{node}", {})
        for name in names[:-1]:
            tree = tree.setdefault(name, {})
        tree[names[-1]] = value

    def knows_service(self, name):
        self._answer()
        return name in self.services


@pytest.fixture
def master():
    master = Master()
    master.parameters["/planner"] = VALUES
    master.services.add("/plan_grasp")
    return master


@pytest.fixture
def kept(master):
    return NodeParameters(master, "/planner", VALUES)


def test_a_master_that_comes_back_gets_all(master, kept):
    assert kept.synchronize("/plan_grasp")
    master.restart()
    assert not kept.synchronize("/plan_grasp")
    assert kept.hand_over()
    assert master.parameters["/planner"] == VALUES


def test_a_change_between_the_return_and_the_next_look_does_not_hide_the_others(master, kept):
    kept.synchronize("/plan_grasp")
    master.restart()
    kept.set("options/min_quality", 0.25)
    assert master.parameters["/planner"] == {"options": {"min_quality": 0.25}}
    assert not kept.synchronize("/plan_grasp") and kept.hand_over()
    assert master.parameters["/planner"]["gripper"] == "franka.yaml"
    assert master.parameters["/planner"]["options"] == {"min_quality": 0.25, "clearance": {"below": 0.004}}


def test_a_new_launchs_parameters_are_left_as_they_are(master, kept):
    kept.synchronize("/plan_grasp")
    master.restart()
    kept.set("max_grasps", 5)
    master.set_parameter("/planner/model", "new.pt")
    assert not kept.hand_over()
    assert master.parameters["/planner"] == {"max_grasps": 5, "model": "new.pt"}


def test_a_change_without_a_master_is_written_when_it_is_back(master, kept):
    kept.synchronize("/plan_grasp")
    master.down = True
    with pytest.raises(MasterUnavailable):
        kept.set("max_grasps", 1)
    master.down = False
    assert kept.synchronize("/plan_grasp")
    assert master.parameters["/planner"]["max_grasps"] == 1
    master.restart()
    assert kept.hand_over() and master.parameters["/planner"]["max_grasps"] == 1


def test_what_others_set_is_kept(master, kept):
    master.set_parameter("/planner/seed", 7)
    kept.synchronize("/plan_grasp")
    master.restart()
    kept.hand_over()
    assert master.parameters["/planner"]["seed"] == 7


@pytest.fixture
def answer():
    """A server that answers whatever it is told to, in a thread; its URI."""
    servers = []

    def serve(data):
        listening = socket.create_server(("localhost", 0))
        servers.append(listening)

        def run():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.recv(65536)
                connection.sendall(data)
                connection.close()

        threading.Thread(target=run, daemon=True).start()
        return f"http://localhost:{listening.getsockname()[1]}"

    yield serve
    for server in servers:
        server.close()


def http_answer(body, announced=None):
    length = len(body) if announced is None else announced
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % length + body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff" * 100,
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        http_answer(b"<html>it works</html>"),
        http_answer(b"<?xml", 500),
        http_answer(b"<?xml version='1.0'?><methodResponse><params></params></methodResponse>"),
        http_answer(
            b"<?xml version='1.0'?><methodResponse><params><param><value>1</value></param></params></methodResponse>"
        ),
    ],
    ids=["nothing", "bytes", "an HTTP error", "a web page", "cut", "no value", "another type"],
)
def test_any_answer_that_is_none_of_a_master_is_told(answer, data):
    client = MasterClient(answer(data), "/planner", timeout=2)
    for call in (client.knows_service, lambda name: client.parameter(name, None), lambda n: client.set_parameter(n, 1)):
        with pytest.raises(MasterUnavailable, match="no valid answer from the master at"):
            call("/plan_grasp")


def test_a_master_that_hangs_is_told_in_time():
    with socket.create_server(("localhost", 0)) as hung:
        client = MasterClient(f"http://localhost:{hung.getsockname()[1]}", "/planner", timeout=0.2)
        with pytest.raises(MasterUnavailable, match="timed out"):
            client.knows_service("/plan_grasp")


def test_a_masters_answers():
    server = SimpleXMLRPCServer(("localhost", 0), logRequests=False)
    known = {"lookupService": "rosrpc://localhost:1", "getParam": {"x": 1}}
    for method, value in known.items():
        server.register_function(lambda _, name, value=value: (1, "", value) if name == "/a" else (-1, "", 0), method)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = MasterClient(f"http://localhost:{server.server_address[1]}", "/planner")
    assert client.knows_service("/a") and not client.knows_service("/b")
    assert client.parameter("/a", None) == {"x": 1} and client.parameter("/b", 5) == 5
    server.shutdown()
    server.server_close()
