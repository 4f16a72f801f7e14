"""ros.options and ros.pair: parameters and the newest pair."""

import pytest
from conftest import ros_or_skip

ros_or_skip()

import rospy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from antipodal.errors import InputError, ModelError
from antipodal.options import options_from_dict
from antipodal.ros.newest_image import NewestImage, StaleImage
from antipodal.ros.options import NodeOptions


def header(stamp):
    return Header(stamp=rospy.Time.from_sec(stamp))


def pair_of(image_stamps, info_stamps, max_age=0.5):
    pair = NewestImage(max_age)
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
        ([], [10.0], 10.0, "no depth image received"),
        ([10.0], [], 10.0, "no camera_info received"),
        ([10.0], [10.0], 10.6, r"newest depth image is 0\.600 s old; ~max_age is 0\.5 s"),
        ([10.0], [10.0], 9.4, r"newest depth image is -0\.600 s old"),
        ([10.0], [9.4], 10.0, r"nearest camera_info is 0\.600 s from it"),
    ],
)
def test_refuses_what_is_missing_or_stale(images, infos, now, said):
    with pytest.raises(StaleImage, match=said):
        pair_of(images, infos).get(now)


def test_infos_do_not_pile_up():
    pair = pair_of([0.0], [0.01 * i for i in range(1000)])
    with pytest.raises(InputError, match="camera_info"):
        pair.get(0.0)


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
