"""Baselines and the oracle on a box, whose right grasp is known."""

import numpy as np
import pytest

from antipodal import transforms
from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import Gripper
from antipodal.sim.baselines import CentroidPlanner, RandomPlanner
from antipodal.sim.cell import SLEEP, Cell, overhead
from antipodal.sim.objects import body_from_parts, box
from antipodal.sim.oracle import Oracle
from antipodal.sim.policies import PolicySetup, make_policy

GRIPPER = Gripper()


def cell_with(body, tilt=0.0):
    cell = Cell(GRIPPER, T_world_cam=overhead(0.7, tilt, azimuth=0.5))
    cell.drop([body], np.random.default_rng(3))
    return cell


@pytest.mark.parametrize("tilt", [0.0, 0.35])
@pytest.mark.parametrize("masked", [True, False])
def test_centroid_holds_a_box_and_straddles_its_middle(tilt, masked):
    cell = cell_with(box("b", (0.03, 0.12, 0.03)), tilt)
    mask = cell.mask() if masked else None
    (grasp,) = CentroidPlanner(GRIPPER).plan(cell.render(), cell.camera, mask)
    T_world_grasp = cell.T_world_cam @ grasp.T_cam_grasp
    assert np.linalg.norm(T_world_grasp[:2, 3] - cell.pose(0)[:2, 3]) < (0.004 if tilt == 0 else 0.012)
    assert T_world_grasp[:3, 2] == pytest.approx([0, 0, -1], abs=0.01)
    assert abs(T_world_grasp[:3, 1] @ cell.pose(0)[:3, 1]) < 0.1  # across, not along, its long side
    assert cell.execute(grasp.T_cam_grasp, grasp.width).held


def test_random_lies_on_the_mask_and_follows_the_seed():
    cell = cell_with(box("b", (0.03, 0.12, 0.03)))
    depth, mask = cell.render(), cell.mask()

    def plan(seed):
        return RandomPlanner(GRIPPER).plan(depth, cell.camera, mask, 20, seed)

    for grasp in plan(1):
        u, v = np.round(grasp.center_px).astype(int)
        assert mask[v - 2 : v + 3, u - 2 : u + 3].any()
        assert grasp.T_cam_grasp[:3, 2] == pytest.approx([0, 0, 1], abs=1e-3)
    angles = [[g.angle for g in plan(seed)] for seed in (1, 1, 2)]
    assert angles[0] == angles[1] != angles[2]


@pytest.mark.parametrize("planner", [CentroidPlanner(GRIPPER), RandomPlanner(GRIPPER)])
def test_an_empty_table_has_no_grasp(planner):
    cell = Cell(GRIPPER)
    with pytest.raises(NoGraspFound, match="no pixel shows an object"):
        planner.plan(cell.render(), cell.camera)


def test_the_oracle_finds_the_one_place_that_opens_wide_enough():
    """A dumbbell of two cubes too wide for the gripper; only the bar between them can be held."""
    cube = box("cube", (0.1, 0.1, 0.1)).parts[0].vertices
    bar = box("bar", (0.03, 0.1, 0.03)).parts[0].vertices
    body = body_from_parts("dumbbell", [cube + np.array([0, 0.1, 0]), bar, cube - np.array([0, 0.1, 0])])
    cell = cell_with(body)
    before = cell.state()
    (grasp,) = Oracle(cell).plan(cell.render(), cell.camera)
    np.testing.assert_allclose(cell.state(), before, rtol=0, atol=0.0 if SLEEP else 1e-9)  # MuJoCo 3.2 rounds
    T_world_grasp = cell.T_world_cam @ grasp.T_cam_grasp
    assert np.linalg.norm((T_world_grasp[:3, 3] - cell.pose(0)[:3, 3])[:2]) < 0.04
    assert cell.execute(grasp.T_cam_grasp, grasp.width).held


def test_the_oracle_says_when_nothing_fits():
    cell = cell_with(box("cube", (0.1, 0.1, 0.1)))
    with pytest.raises(NoGraspFound, match="'axes': 0"):
        Oracle(cell).plan(cell.render(), cell.camera)


def test_unknown_policies_are_refused_with_those_there_are():
    with pytest.raises(InputError, match="oracle"):
        make_policy("best", PolicySetup(GRIPPER, Cell(GRIPPER)))


def test_the_geometry_policy_holds_a_box():
    cell = cell_with(box("b", (0.03, 0.12, 0.03)))
    grasp = make_policy("geometry", PolicySetup(GRIPPER, cell)).plan(cell.render(), cell.camera, cell.mask(), 1, 0)[0]
    assert cell.execute(grasp.T_cam_grasp, grasp.width).held


def test_transforms_of_to_grasp_agree_with_the_camera():
    cell = cell_with(box("b", (0.03, 0.12, 0.03)), tilt=0.3)
    (grasp,) = CentroidPlanner(GRIPPER).plan(cell.render(), cell.camera, cell.mask())
    ends = transforms.apply(grasp.T_cam_grasp, np.array([[0, -1e-3, 0], [0, 1e-3, 0]]))
    along = np.diff(cell.camera.project(ends), axis=0)[0]
    assert np.tan(grasp.angle) == pytest.approx(along[1] / along[0], rel=0.02)
    assert grasp.center_px == pytest.approx(cell.camera.project(grasp.T_cam_grasp[:3, 3]))
