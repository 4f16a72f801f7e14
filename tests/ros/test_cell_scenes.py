"""The cell's node in scenes that need another approach than from above, and the request that asks for one."""

import runpy
from dataclasses import replace

import numpy as np
import pytest
from conftest import REPO, ros_or_skip

ros_or_skip()
pytest.importorskip("mujoco")

import rospy

from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.networks.flatness import Flatness
from antipodal.planner import GraspPlanner
from antipodal.ros.cell import CellNodeOptions, make_cell
from antipodal.sim.cell import SLEEP
from antipodal.sim.scenes import SCENES, SHELF_PICK, hints_of, named_approach
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner

GRIPPER = Gripper.load("robotiq_2f85")
NEEDS_SLEEP = pytest.mark.skipif(not SLEEP, reason="MuJoCo before 3.4: these picks end otherwise")


@NEEDS_SLEEP
def test_on_a_shelf_the_hand_comes_from_the_front_and_backs_out():
    cell, _ = make_cell(CellNodeOptions(scene="shelf"), GRIPPER, 0)
    assert cell.options.pick == SHELF_PICK and {part.kind for part in cell.room} >= {"roof", "back"}
    assert cell.T_world_cam[2, 1] < -0.8  # the world's z is up in the image
    cone, hints = named_approach("front:40", cell.T_world_cam), hints_of("shelf", cell.T_world_cam)
    best = GraspPlanner.load("default", GRIPPER, "cpu").plan(cell.render(), cell.camera, hints=hints, approach=cone)[0]
    assert cell.execute(best.T_cam_grasp, best.width).held


def test_moves_that_parameters_name_replace_the_scenes():
    cell, _ = make_cell(CellNodeOptions(scene="shelf", retreat=0.2), GRIPPER, 0)
    assert cell.options.pick == replace(SHELF_PICK, retreat=0.2)
    with pytest.raises(InputError, match="~lift must be 0 to 1 m"):
        CellNodeOptions(lift=2.0)
    with pytest.raises(InputError, match="no scene 'cave'; possible: table, shelf"):
        CellNodeOptions(scene="cave")


@NEEDS_SLEEP
def test_a_cell_with_a_cup_takes_what_is_flat():
    cup = SuctionCup.load("piab_b30")
    cell, family = make_cell(CellNodeOptions(scene="flat", cup="piab_b30"), GRIPPER, 0, cup)
    best = SuctionPlanner(Flatness(), cup).plan(cell.render(), cell.camera, cell.mask())[0]
    assert family == "flat box" and cell.execute(best.T_cam_grasp, best.width, best.kind).held


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_shows_an_object(scene):
    cell, family = make_cell(CellNodeOptions(scene=scene, tilt=0.3), GRIPPER, 1)
    lean = np.arccos(-cell.T_world_cam[2, 2])
    assert lean == pytest.approx(0.3 if SCENES[scene].tilt is None else np.mean(SCENES[scene].tilt))
    assert family and cell.remaining() and cell.render().any()


def test_the_executive_asks_for_the_cone_of_its_parameters(monkeypatch):
    given = {"~approach_axis": [1, 0, 0.5], "~approach_frame": "base_link", "~approach_angle": 0.35}
    monkeypatch.setattr(rospy, "get_param", lambda name, default=None: given.get(name, default))
    cone_request = runpy.run_path(str(REPO / "nodes" / "example_executive"))["cone_request"]
    request = cone_request()
    axis = request.approach_axis
    assert (axis.vector.x, axis.vector.y, axis.vector.z) == (1.0, 0.0, 0.5)
    assert (axis.header.frame_id, request.approach_angle) == ("base_link", 0.35)
    given.clear()
    assert cone_request().approach_angle == 0 and cone_request().approach_axis.vector.x == 0
    given["~approach_axis"] = [1, 0]
    with pytest.raises(TypeError):
        cone_request()
