"""The planner node against clients, signals and masters that misbehave. `make soak` has what takes longer."""

import io
import os
import pickle
import random
import signal
import struct
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import REPO, ros_or_skip

ros_or_skip()

import torch
import wire_fuzz
from ros_client import Client, Failed, scene_request
from ros_process import graph, wait_for

from antipodal import networks
from antipodal.ros import connection_limits


@pytest.fixture(scope="module")
def ros():
    with graph() as ros:
        yield ros


@pytest.fixture(scope="module")
def node(ros):
    return ros.start_planner("_max_waiting:=2")


@pytest.fixture
def uri(ros, node):
    """Where a node serves; it has to do so still when the test is over."""
    uri = ros.serves()
    yield uri
    assert node.runs(), node.output()
    wait_for(lambda: Client(uri).ask(scene_request()).success, "a plan once those before it are made")


def test_plans_over_a_connection_that_persists(uri):
    client = Client(uri)
    first, second = (client.ask(scene_request()) for _ in range(2))
    assert first.success and first.reason == ""
    assert [g.pose for g in first.grasps] == [g.pose for g in second.grasps]


def test_silent_clients_keep_nobody_out(uri):
    silent = [Client(uri, handshake=False) for _ in range(20)]
    client = Client(uri)
    assert client.ask(scene_request()).success
    assert all(not s.socket._closed for s in silent)


@pytest.mark.parametrize(
    "said",
    [
        struct.pack("<I", 2**32 - 1) + bytes(1000),
        struct.pack("<I", connection_limits.HEADER_SIZE + 1),
        struct.pack("<II", 10, 2**31) + bytes(6),
        random.Random(1).getrandbits(8 * 5000).to_bytes(5000, "little"),
    ],
    ids=["a huge header", "a header too large", "a huge field", "random bytes"],
)
def test_a_header_that_cannot_be_ends_its_connection(uri, said):
    client = Client(uri, handshake=False)
    client.socket.sendall(said)
    assert client.ended()


def test_a_request_too_large_is_refused_before_it_is_sent(uri, node):
    before = node.memory()
    client = Client(uri)
    client.socket.sendall(struct.pack("<I", 2**32 - 1))
    with pytest.raises(Failed, match=r"a request of 4294967295 bytes; at most \d+ are read"):
        client.receive()
    assert client.ended()
    assert node.memory() - before < 100


def test_a_client_that_sends_too_large_a_request_reads_why(uri):
    client = Client(uri)
    size = 60_000_000
    client.socket.sendall(struct.pack("<I", size) + bytes(size))
    with pytest.raises(Failed, match=rf"a request of {size} bytes; at most \d+ are read"):
        client.receive()


def test_memory_is_taken_as_bytes_come_not_as_they_are_announced(uri, node):
    before = node.memory()
    clients = [Client(uri) for _ in range(5)]
    for client in clients:
        client.socket.sendall(struct.pack("<I", 40_000_000) + bytes(1000))
    other = Client(uri)
    assert other.ask(scene_request()).success
    assert node.memory() - before < 100
    for client in clients:
        client.close()


def test_bytes_that_are_no_request_are_refused(uri):
    client = Client(uri)
    data = random.Random(2).getrandbits(8 * 3000).to_bytes(3000, "little")
    client.socket.sendall(struct.pack("<I", len(data)) + data)
    with pytest.raises(Failed, match=r"no antipodal/PlanGrasp request"):
        client.receive()


def test_clients_that_leave_in_mid_call_are_not_missed(uri):
    for _ in range(5):
        client = Client(uri)
        client.send(scene_request())
        client.close()
    half = Client(uri)
    half.socket.sendall(struct.pack("<I", 1000) + bytes(500))
    half.close()


def test_every_one_of_many_callers_gets_a_reply(uri):
    def ask(_):
        client = Client(uri)
        reply = client.ask(scene_request())
        client.close()
        return reply

    with ThreadPoolExecutor(100) as callers:
        replies = list(callers.map(ask, range(100)))
    assert {r.reason for r in replies} <= {"", "busy"}
    assert any(r.success for r in replies)
    for reply in replies:
        assert reply.success or "requests wait already" in reply.message


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_mid_call_ends_the_node_and_tells_the_caller(sign):
    with graph() as ros:
        node = ros.start_planner()
        client = Client(ros.serves())
        client.ask(scene_request())
        client.send(scene_request())
        node.kill(sign)
        with pytest.raises((Failed, ConnectionError)):
            for _ in range(100):  # what was under way may still be answered
                client.receive()
                client.send(scene_request())
        assert node.wait() == 0
        assert not ros.serves(), "still registered"


def test_a_hung_master_holds_no_reply():
    with graph() as ros:
        ros.start_planner()
        client = Client(ros.serves())
        os.kill(ros.master.pid, signal.SIGSTOP)
        try:
            client.socket.settimeout(20)
            assert client.ask(scene_request()).success
        finally:
            os.kill(ros.master.pid, signal.SIGCONT)


def with_header(secs, nsecs, frame_id):
    """A serialized request whose image has a header that Python's classes would not make."""
    buffer, frame = io.BytesIO(), b"camera_depth_optical_frame"
    scene_request().serialize(buffer)
    data = buffer.getvalue()
    assert data[12:16] == struct.pack("<I", len(frame)), "the image's header comes first"
    return data[:4] + struct.pack("<III", secs, nsecs, len(frame_id)) + frame_id + data[16 + len(frame) :]


@pytest.mark.parametrize("parameters", [[], ["_target_frame:=base", "_tf_timeout:=0.05"]], ids=["plain", "tf"])
def test_headers_that_cannot_be_are_refused_as_bad_input(parameters):
    most = 2**32 - 1
    headers = [(most, most, b"a"), (most, 0, b"a"), (0, most, b"a"), (1, 0, b"\xff\xfe\0"), (1, 0, b"k\xe4mera")]
    with graph() as ros:
        node = ros.start_planner(*parameters)
        client = Client(ros.serves())
        for header in headers:
            client.send_bytes(with_header(*header))
            reply = client.receive()
            assert reply.reason == "bad input" and "the depth image has the" in reply.message, reply
        reply = client.ask(scene_request())
        assert reply.reason == ("no transform" if parameters else ""), reply.message
        assert node.runs() and "Traceback" not in node.output()


class RunsCode:
    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.mark.parametrize("kind", ["missing", "cut", "code", "version"])
def test_a_model_that_cannot_be_used_is_refused_at_the_start(ros, tmp_path, kind):
    model = tmp_path / "model.pt"
    networks.save(model, networks.GraspNetwork(), {})
    if kind == "missing":
        model.unlink()
    elif kind == "cut":
        model.write_bytes(model.read_bytes()[:1000])
    elif kind == "code":
        model.write_bytes(pickle.dumps(RunsCode()))
    else:
        torch.save({**torch.load(model, weights_only=True), "format": 999}, model)
    node = ros.start_planner(f"_model:={model}", "__name:=other", wait=False, PWD=str(tmp_path))
    assert node.wait() == 1
    assert str(model) in node.output() and "Traceback" not in node.output()
    assert not list(tmp_path.glob("**/ran")) and not (REPO / "ran").exists()


def test_parameters_are_refused_with_a_suggestion(ros):
    node = ros.start_planner("_max_tim:=3", "__name:=other", wait=False)
    assert node.wait() == 1
    assert "unknown option max_tim; did you mean max_time?" in node.output()


def test_leaves_when_the_master_comes_back_and_hands_its_parameters_on():
    with graph() as ros:
        node = ros.start_planner("_max_grasps:=1")
        uri = ros.serves()
        ros.master.kill()
        ros.master.wait()
        assert Client(uri).ask(scene_request()).success, "those who know where it is are served meanwhile"
        ros.start_master()
        assert node.wait() == 1
        assert "leaving, to be respawned" in node.output()
        ros.start_planner()  # as roslaunch would; the parameters come from the new master
        assert len(Client(ros.serves()).ask(scene_request()).grasps) == 1


def test_a_simulated_clock_that_stands_still_stops_nothing():
    with graph() as ros:
        xmlrpc.client.ServerProxy(ros.uri).setParam("/test", "/use_sim_time", True)
        ros.start_planner("_target_frame:=base", "_tf_timeout:=0.1")
        reply = Client(ros.serves()).ask(scene_request())
        assert reply.reason == "no transform"
        assert "from 'camera_depth_optical_frame' to 'base' within 0.1 s" in reply.message


def test_random_requests_all_get_a_reply_or_a_clear_error(ros, uri, node):
    tally = wire_fuzz.fuzz(uri, 300, seed=1)
    assert tally.lost == []
    assert tally.replies.get("", 0) > 20 and tally.replies.get("bad input", 0) > 50, tally.replies
    assert set(tally.replies) <= {"", "bad input", "no grasp", "refused"}, tally.replies
    assert "Traceback" not in node.output()


def test_random_clouds_labels_and_views_do_too(ros, uri, node):
    tally = wire_fuzz.fuzz(uri, 200, seed=2, inputs=True)
    assert tally.lost == []
    assert tally.replies.get("", 0) > 5 and tally.replies.get("bad input", 0) > 30, tally.replies
    assert set(tally.replies) <= {"", "bad input", "no grasp", "refused", "no transform", "stale image"}, tally.replies
    assert "Traceback" not in node.output()
