"""ros.master_watch: it goes on whatever the master answers, and leaves when a master does not know the node."""

import threading

import pytest
from conftest import ros_or_skip

ros_or_skip()

from antipodal.ros import master_watch
from antipodal.ros.master_client import MasterUnavailable
from antipodal.ros.master_watch import MasterWatch


class Node:
    """rospy, as far as the watch needs it, and parameters with a script of answers."""

    def __init__(self, answers, hand_over=(True,)):
        self.answers, self.hand_overs = list(answers), list(hand_over)
        self.left, self.messages = threading.Event(), []

    def synchronize(self, service):
        assert service == "/plan_grasp"
        return self._next(self.answers)

    def hand_over(self):
        return self._next(self.hand_overs)

    def _next(self, answers):
        answer = answers.pop(0) if answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer

    def resolve_name(self, name):
        return f"/{name}"

    def is_shutdown(self):
        return self.left.is_set()

    def signal_shutdown(self, _):
        self.left.set()

    def logerr_throttle(self, _, text):
        self.messages.append(text)

    def logfatal(self, text, *arguments):
        self.messages.append(text % arguments)


def watch(monkeypatch, node):
    monkeypatch.setattr(master_watch, "rospy", node)
    monkeypatch.setattr(master_watch, "PERIOD", 0.001)
    return MasterWatch("plan_grasp", node)


@pytest.mark.parametrize("error", [MasterUnavailable("junk"), ValueError("a bug"), OSError("gone"), RuntimeError()])
def test_it_goes_on_after_any_error_and_leaves_when_the_master_does_not_know_the_node(monkeypatch, error):
    node = Node([True, error, True, error, False])
    made = watch(monkeypatch, node)
    assert node.left.wait(10)
    made.thread.join(10)
    assert made.master_lost
    assert len(node.messages) == 3 and "leaving, to be respawned" in node.messages[-1]


def test_a_master_that_dies_during_the_hand_over_is_no_reason_to_leave_without_it(monkeypatch):
    node = Node([True, False, False], hand_over=[MasterUnavailable("died again"), True])
    made = watch(monkeypatch, node)
    assert node.left.wait(10) and node.hand_overs == []
    made.thread.join(10)


def test_a_node_that_is_not_registered_yet_is_given_time(monkeypatch):
    monkeypatch.setattr(master_watch, "REGISTRATION_TIME", 0.2)
    node = Node([])
    made = watch(monkeypatch, node)
    assert not node.left.wait(0.05)
    assert node.left.wait(10)
    made.thread.join(10)
    assert made.master_lost
