"""ros.bag and nodes/plan_bag: a bag in, a CSV and pictures out, with no master."""

import csv
import subprocess
import sys

import pytest
from conftest import REPO, ros_or_skip

ros_or_skip()

import rosbag
import rospy
import scenes
from std_msgs.msg import Header

from antipodal.errors import InputError
from antipodal.ros.bag import pairs, replay
from antipodal.ros.cell import depth_message, info_message
from tests.test_planner import PLANNER

BAR, _ = scenes.render([scenes.box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
BARE, _ = scenes.render([])


@pytest.fixture
def path(tmp_path):
    """Three images, of a bar, a bare table and millimetres by mistake, with infos around them in time."""
    with rosbag.Bag(str(tmp_path / "test.bag"), "w") as bag:
        for i, depth in enumerate([BAR, BARE, 1000 * BAR]):
            header = Header(stamp=rospy.Time(10 + i), frame_id="camera")
            bag.write("/camera/depth/image_rect", depth_message(depth, header), header.stamp)
            for offset in (-0.4, 0.1):
                stamp = header.stamp + rospy.Duration(offset)
                info = info_message(scenes.CAMERA, Header(stamp=stamp, frame_id="camera"))
                bag.write("/camera/depth/camera_info", info, stamp)
    return tmp_path / "test.bag"


def test_every_image_has_a_row_and_its_reason(path, tmp_path):
    with rosbag.Bag(str(path)) as bag:
        said = replay(bag, PLANNER, tmp_path / "out")
    assert said.startswith("1 of 3 images with grasps; 1 bad input, 1 no grasp; p50 ")
    with (tmp_path / "out" / "grasps.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["reason"] for r in rows] == ["", "no grasp", "bad input"]
    assert [float(r["stamp"]) for r in rows] == [10, 11, 12]
    best = PLANNER.plan(BAR, scenes.CAMERA)[0]
    assert float(rows[0]["z"]) == pytest.approx(best.depth, abs=1e-5)
    assert float(rows[0]["u"]) == pytest.approx(best.center_px[0], abs=1e-3)
    assert [p.name for p in sorted((tmp_path / "out").glob("*.png"))] == ["000000.png"]


def test_an_image_goes_with_the_info_nearest_in_time(path):
    with rosbag.Bag(str(path)) as bag:
        apart = [(info.header.stamp - image.header.stamp).to_sec() for image, info in pairs(bag)]
    assert apart == pytest.approx([0.1, 0.1, 0.1])


def test_topics_that_are_not_there_are_named(path):
    with rosbag.Bag(str(path)) as bag:
        with pytest.raises(InputError, match=r"no topic /other in the bag; possible: /camera/depth/camera_info, /cam"):
            next(pairs(bag, "/other"))
        with pytest.raises(InputError, match=r"no topic /info in the bag"):
            next(pairs(bag, info="/info"))


def test_from_a_shell(path, tmp_path):
    def run(file):
        command = [sys.executable, str(REPO / "nodes" / "plan_bag"), str(file), "--device", "cpu"]
        return subprocess.run(command, capture_output=True, text=True, cwd=str(tmp_path))

    done = run(path)
    assert done.returncode == 0 and "1 of 3 images with grasps" in done.stdout, done.stderr
    assert (tmp_path / "test" / "grasps.csv").is_file()
    for wrong in (tmp_path / "none.bag", tmp_path / "test" / "grasps.csv"):
        failed = run(wrong)
        assert failed.returncode == 2 and "error: " in failed.stderr and "Traceback" not in failed.stderr
