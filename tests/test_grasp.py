import numpy as np
import pytest
import torch
import yaml

from antipodal import resources
from antipodal.errors import InputError
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping.view_grasps import ViewGrasps

WHOLE = {**Gripper().to_dict(), "palm_size": [0.06, 0.14]}


def test_gripper_file_round_trip(tmp_path):
    path = tmp_path / "gripper.yaml"
    path.write_text(yaml.safe_dump({**WHOLE, "max_width": 0.05, "palm_size": [0.05, 0.1], "source": "a drawing"}))
    gripper = Gripper.load(path)
    assert gripper.max_width == 0.05 and gripper.palm_size == (0.05, 0.1)


def test_a_gripper_file_without_a_hand_box_has_nothing_behind_the_palm(tmp_path):
    path = tmp_path / "gripper.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in WHOLE.items() if k != "hand_box"}))
    assert Gripper.load(path).hand_box is None and Gripper.load("robotiq_2f85").hand_box == (0.075, 0.075, 0.063)


def test_shipped_default_gripper_is_the_default():
    assert Gripper.load(resources.find("config/grippers/robotiq_2f85.yaml")) == Gripper()


@pytest.mark.parametrize(
    "change, complaint",
    [
        ({"max_wdith": 0.05}, "unknown max_wdith"),
        ({"max_width": -1}, "between 0 and 1 metre"),
        ({"max_width": 85}, "between 0 and 1 metre"),
        ({"min_width": 0.2}, "min_width"),
        ({"max_width": "wide"}, "max_width must be a number between 0 and 1 metre, got 'wide'"),
        ({"jaw_width": True}, "jaw_width must be a number between 0 and 1 metre, got True"),
        ({"jaw_length": 10**400}, "jaw_length must be a number between 0 and 1 metre, got 1000"),
        ({"pad_length": float("nan")}, "pad_length must be a number between 0 and 1 metre, got nan"),
        ({"min_width": float("nan")}, r"min_width must be in \[0, max_width\), got nan and 0.085"),
        ({"min_width": "0"}, r"min_width must be in \[0, max_width\), got '0'"),
        ({"tip": float("inf")}, "tip must be a number between -1 and 1 metre, got inf"),
        ({"tip": float("nan")}, "tip must be a number between -1 and 1 metre, got nan"),
        ({"force": -1}, "force must be a number above 0 N and below 1e9, got -1"),
        ({"force": 0}, "force must be a number above 0 N"),
        ({"force": float("inf")}, "force must be a number above 0 N"),
        ({"name": 85}, "gripper.yaml: a gripper's name must be a text that is not empty, got 85"),
        ({"name": ""}, "name must be a text that is not empty"),
        ({"type": ["jaws"]}, "hand of type .'jaws'.; parallel jaws are needed"),
        ({"palm_size": 3}, "palm_size must be 2 lengths along x, y, got 3"),
        ({"palm_size": [0.1, None]}, r"palm_size\[1\] must be a number between 0 and 1 metre, got None"),
        ({"hand_box": [0.1, 0.1]}, "hand_box must be 3 lengths along x, y, z"),
        ({"hand_box": [0.1, 0.1, -0.1]}, "between 0 and 1 metre"),
    ],
)
def test_bad_gripper_file_says_what_is_wrong(tmp_path, change, complaint):
    path = tmp_path / "gripper.yaml"
    path.write_text(yaml.safe_dump({**WHOLE, **change}))
    with pytest.raises(InputError, match=complaint):
        Gripper.load(path)


@pytest.mark.parametrize("text, complaint", [("- 1", "mapping"), ("{", "cannot read"), ("", "mapping")])
def test_a_gripper_file_is_a_mapping(tmp_path, text, complaint):
    path = tmp_path / "gripper.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        Gripper.load(path)


@pytest.mark.parametrize("missing", [["jaw_length"], ["palm_size"], sorted(set(WHOLE) - {"max_width", "hand_box"})])
def test_a_gripper_file_that_lacks_lengths_is_refused(tmp_path, missing):
    path = tmp_path / "gripper.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in WHOLE.items() if k not in missing}))
    with pytest.raises(InputError, match="lacks") as refused:
        Gripper.load(path)
    assert all(name in str(refused.value) for name in missing)


def test_grasp_as_plain_values_has_the_axes_of_its_pose():
    T = np.eye(4)
    T[:3, :3] = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    plain = Grasp(T, 0.05, 0.9, (1.0, 2.0), 0.1, 0.7).to_dict()
    assert plain["closing_axis_cam"] == [0, 0, 1] and plain["approach_cam"] == [1, 0, 0]


def test_batch_selects_all_fields_alike():
    batch = ViewGrasps(torch.rand(5, 3), torch.rand(5), torch.rand(5), torch.rand(5))
    picked = batch[torch.tensor([3, 1])]
    assert len(picked) == 2 and torch.equal(picked.center[0], batch.center[3])
    assert torch.equal(picked.quality, batch.quality[[3, 1]])
