"""ros.options and ros.newest_image: parameters, and the newest image."""

import re

import pytest
from conftest import ros_or_skip

ros_or_skip()

import rospy
import torch
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from antipodal import networks
from antipodal.errors import InputError, ModelError
from antipodal.files import options_from_dict
from antipodal.grasp import Gripper
from antipodal.networks.suction_crops import suction_crop_definition
from antipodal.ros.newest_image import NewestImage, StaleImage
from antipodal.ros.options import NodeOptions
from antipodal.suction_cup import SuctionCup


def header(stamp):
    return Header(stamp=rospy.Time.from_sec(stamp))


def pair_of(image_stamps, info_stamps, warn=print):
    pair = NewestImage(0.5, "/camera/depth", "/camera/info", warn)
    for stamp in image_stamps:
        pair.store_image(Image(header=header(stamp)))
    for stamp in info_stamps:
        pair.store_info(CameraInfo(header=header(stamp)))
    return pair


def test_the_newest_image_with_the_info_of_its_time():
    image, info = pair_of([10.0, 10.1], [10.0, 10.1, 10.13]).get(10.2)
    assert image.header.stamp.to_sec() == pytest.approx(10.1)
    assert info.header.stamp == image.header.stamp


@pytest.mark.parametrize(
    "images, infos, now, said",
    [
        ([], [10.0], 10.0, "no depth image received yet on /camera/depth"),
        ([10.0], [], 10.0, "no camera_info received yet on /camera/info"),
        ([10.0], [10.0], 10.6, r"newest depth image is 0\.600 s old; ~max_age is 0\.5 s"),
        ([10.0], [10.0], 9.4, r"newest depth image is -0\.600 s old"),
        ([0.0], [10.0], 10.0, r"depth images on /camera/depth have no stamp"),
    ],
)
def test_refuses_what_is_missing_or_stale(images, infos, now, said):
    with pytest.raises(StaleImage, match=said):
        pair_of(images, infos).get(now)


@pytest.mark.parametrize(
    "infos, used, warning",
    [
        ([9.4], 9.4, r"camera_info on /camera/info is 0\.600 s from the image"),
        ([2.0], 2.0, r"is 8\.000 s from the image"),
        ([0.0], 0.0, "has no stamp"),
        ([2.0, 4.0], 4.0, r"is 6\.000 s from"),
        ([9.8], 9.8, ""),
        ([0.0, 9.8], 9.8, ""),
    ],
)
def test_intrinsics_do_not_age(infos, used, warning):
    """A camera_info that is latched once, comes seldom or has no stamp is used, with a warning."""
    warnings = []
    _, info = pair_of([10.0], infos, warnings.append).get(10.1)
    assert info.header.stamp.to_sec() == used
    assert len(warnings) == bool(warning) and re.search(warning, "".join(warnings))


def test_infos_do_not_pile_up():
    pair = pair_of([10.0], [10.0 + 0.01 * i for i in range(1000)])
    assert pair.get(10.0)[1].header.stamp.to_sec() > 15, "the one of the image's time is dropped by now"


@pytest.mark.parametrize("name", ["max_time", "tf_timeout"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e10, -1.0])
def test_a_wait_without_end_is_refused_at_the_start(name, value):
    said = f"option {name} must be float, got nan" if value != value else f"~{name} must be"
    with pytest.raises(InputError, match=said):
        options_from_dict(NodeOptions, {name: value})


@pytest.mark.parametrize("seed", [-1, 1.5])
def test_a_seed_that_no_plan_takes_is_refused_at_the_start(seed):
    with pytest.raises(InputError, match="seed must be"):
        options_from_dict(NodeOptions, {"seed": seed})


@pytest.mark.parametrize("parameters", [{"target_frame": "a\0b"}, {"workspace": {"frame": "base\n"}}])
def test_frames_that_tf_cannot_have_are_refused_at_the_start(parameters):
    with pytest.raises(InputError, match="a parameter has the frame id"):
        options_from_dict(NodeOptions, parameters)


def test_unknown_parameters_are_refused_with_a_suggestion():
    with pytest.raises(InputError, match=r"max_graps; did you mean max_grasps\?"):
        options_from_dict(NodeOptions, {"max_graps": 3})
    with pytest.raises(InputError, match=r"options\.cem\.iteration; did you mean options\.cem\.iterations\?"):
        options_from_dict(NodeOptions, {"options": {"cem": {"iteration": 1}}})


def test_parameters_of_another_type_are_refused():
    with pytest.raises(InputError, match=r"max_grasps must be int, got 'many'"):
        options_from_dict(NodeOptions, {"max_grasps": "many"})
    for name in ("max_grasps", "max_age", "max_time", "max_waiting", "max_pixels", "tf_timeout"):
        with pytest.raises(InputError, match="must be positive"):
            options_from_dict(NodeOptions, {name: 0})
    assert options_from_dict(NodeOptions, {"max_age": 2}).max_age == 2.0


def test_files_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"nothing\.pt"):
        NodeOptions(model=str(tmp_path / "nothing.pt")).load_planner("cpu")
    with pytest.raises(InputError, match=r"nothing\.yaml"):
        NodeOptions(gripper=str(tmp_path / "nothing.yaml")).load_planner("cpu")


def test_gripper_and_model_are_given_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # as a node that roslaunch starts is anywhere
    options = NodeOptions(gripper="franka_hand", model="default")
    assert options.load_planner("cpu").gripper.name == "franka_hand"
    assert options.gripper_file().is_absolute() and options.gripper_file().is_file()


@pytest.mark.parametrize("name", ["model", "suction_model"])
def test_a_cup_alone_is_planned_for_with_the_model_of_either_parameter(name, tmp_path):
    torch.manual_seed(0)
    network, path = networks.GraspNetwork("patch"), tmp_path / "mine.pt"
    networks.save(path, network, {"crop": suction_crop_definition()})
    options = options_from_dict(NodeOptions, {"gripper": "piab_b30", name: str(path)})
    planner = options.load_planner("cpu")
    inputs = torch.rand(2, 1, 32, 32), torch.rand(2, 4)
    with torch.inference_mode():
        torch.testing.assert_close(planner.score.network(*inputs), network.eval()(*inputs), atol=1e-4, rtol=0)
    assert options.models(planner.hands) == str(path)


def test_the_models_of_the_hands_are_named():
    jaws, cup = Gripper(), SuctionCup.load("piab_b30")
    assert NodeOptions().models([jaws]) == "models/default.pt"
    assert NodeOptions().models([cup]) == "models/suction.pt"
    assert NodeOptions(model="a.pt").models([jaws, cup]) == "a.pt, models/suction.pt"
    assert NodeOptions(suction_model="b.pt").models([jaws, cup]) == "models/default.pt, b.pt"
