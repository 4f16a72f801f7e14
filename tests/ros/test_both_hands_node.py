"""A node with a cup, and one with a gripper and a cup: over the wire, with a master of their own."""

import pytest
from conftest import ros_or_skip

ros_or_skip()

import scenes
import torch
from ros_client import Client, scene_request
from ros_process import graph
from std_msgs.msg import Header

from antipodal import networks
from antipodal.networks.suction_crops import suction_crop_definition
from antipodal.ros.cell import depth_message, info_message

BOXES = [scenes.box((-0.06, 0.0), (0.09, 0.03, 0.04), 0.3), scenes.box((0.07, 0.03), (0.13, 0.11, 0.03), 1.0)]


@pytest.fixture
def ros():
    with graph() as ros:
        yield ros


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "cup.pt"
    networks.save(path, networks.GraspNetwork("patch"), {"crop": suction_crop_definition()})
    return path


def ask(ros, **fields):
    header = Header(frame_id="camera_depth_optical_frame")
    image = {"depth_image": depth_message(scenes.render(BOXES)[0], header), "max_grasps": 40}
    image["camera_info"] = info_message(scenes.CAMERA, header)
    return Client(ros.serves()).ask(scene_request(**image, **fields))


def test_a_cup_alone_answers(ros, model):
    ros.start_planner("_gripper:=piab_b30", f"_suction_model:={model}")
    reply = ask(ros)
    assert reply.success, reply.message
    assert {(g.hand, g.kind, g.width) for g in reply.grasps} == {("piab_b30", "suction", 0.0)}


def test_both_hands_answer_in_one_ranking_and_by_name(ros, model):
    ros.start_planner("_cup:=piab_b30", f"_suction_model:={model}")
    reply = ask(ros)
    assert reply.success, reply.message
    assert {g.kind for g in reply.grasps} == {"jaws", "suction"}
    quality = [g.quality for g in reply.grasps]
    assert quality == sorted(quality, reverse=True)
    for hands, kind in [(["jaws"], "jaws"), (["piab_b30"], "suction")]:
        assert {g.kind for g in ask(ros, hands=hands).grasps} == {kind}
    refused = ask(ros, hands=["vacuum"])
    assert refused.reason == "bad input" and "no hand vacuum" in refused.message
