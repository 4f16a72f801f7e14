"""Baseline and oracle of suction on things whose right contact is known, and their trials."""

import json

import cv2
import numpy as np
import pytest
import trimesh

from antipodal import transforms
from antipodal.errors import InputError, NoGraspFound, run_command
from antipodal.grasp import Grasp, Gripper
from antipodal.sim import evaluate
from antipodal.sim.cell import SLEEP, Cell, overhead
from antipodal.sim.objects import body_from_parts, box
from antipodal.sim.picture import pick_picture, view_of_gripper, view_of_table
from antipodal.sim.policies import CUP_POLICIES, PolicySetup, check_hands, make_policy
from antipodal.sim.suction_baselines import LargestPlanePlanner
from antipodal.sim.suction_oracle import EitherOracle, SuctionOracle
from antipodal.suction_cup import SuctionCup

GRIPPER, CUP = Gripper(), SuctionCup.load("piab_b30")


def cell_with(body, tilt=0.0, cup=CUP, flat=True):
    cell = Cell(GRIPPER, T_world_cam=overhead(0.7, tilt, azimuth=0.5), cup=cup)
    cell.drop([body], np.random.default_rng(3))
    if flat:
        lowest = min(part.vertices[:, 2].min() for part in body.parts)
        cell._put(0, transforms.compose(np.eye(3), [0.01, -0.02, -lowest]))
        cell.settle()
    return cell


def stairs():
    """A wide low step and a narrow high one."""
    low = box("low", (0.12, 0.1, 0.03)).parts[0].vertices
    high = box("high", (0.04, 0.1, 0.06)).parts[0].vertices + np.array([0.08, 0, 0.015])
    return body_from_parts("stairs", [low, high])


@pytest.mark.parametrize("tilt", [0.0, 0.35])
@pytest.mark.parametrize("masked", [True, False])
def test_the_largest_plane_is_that_of_the_wide_step(tilt, masked):
    cell = cell_with(stairs(), tilt)
    (grasp,) = LargestPlanePlanner(CUP).plan(cell.render(), cell.camera, cell.mask() if masked else None)
    T = cell.T_world_cam @ grasp.T_cam_grasp
    on_step = transforms.apply(transforms.invert(cell.pose(0)), T[:3, 3][None])[0]
    middle = np.mean([part.vertices.mean(axis=0) for part in cell.bodies[0].parts[:1]], axis=0)
    assert np.linalg.norm((on_step - middle)[:2]) < 0.012 and on_step[2] == pytest.approx(middle[2] + 0.015, abs=2e-3)
    assert T[:3, 2] == pytest.approx([0, 0, -1], abs=0.05)
    assert (grasp.kind, grasp.hand, grasp.width) == ("suction", "piab_b30", 0.0)
    assert cell.execute(grasp.T_cam_grasp, grasp.width, grasp.kind).held


def test_a_leaning_plane_is_met_along_its_normal():
    wedge = trimesh.convex.convex_hull(
        [[x, y, z] for x, z in ((-0.06, 0), (0.06, 0), (0.06, 0.05)) for y in (-0.05, 0.05)]
    )
    cell = cell_with(body_from_parts("wedge", [wedge.vertices]))
    (grasp,) = LargestPlanePlanner(CUP).plan(cell.render(), cell.camera, cell.mask())
    normal = np.array([-0.05, 0, 0.12]) / 0.13
    assert (cell.T_world_cam @ grasp.T_cam_grasp)[:3, 2] == pytest.approx(-normal, abs=0.02)


@pytest.mark.parametrize("planner", [LargestPlanePlanner(CUP)])
def test_an_empty_table_has_no_plane(planner):
    cell = Cell(GRIPPER, cup=CUP)
    with pytest.raises(NoGraspFound, match="no pixel shows an object"):
        planner.plan(cell.render(), cell.camera)


def test_the_oracle_finds_the_one_face_that_seals_and_changes_nothing():
    """Pillars too thin for the cup stand round a block whose top alone is wide enough."""
    block = box("block", (0.05, 0.05, 0.04)).parts[0].vertices
    pillar = box("p", (0.02, 0.02, 0.04)).parts[0].vertices
    pillars = [pillar + np.array([x, y, 0]) for x in (-0.04, 0.04) for y in (-0.04, 0.04)]
    base = box("base", (0.1, 0.1, 0.01)).parts[0].vertices - [0, 0, 0.025]
    cell = cell_with(body_from_parts("b", [base, block, *pillars]))
    before = cell.state()
    (grasp,) = SuctionOracle(cell).plan(cell.render(), cell.camera)
    np.testing.assert_allclose(cell.state(), before, rtol=0, atol=0.0 if SLEEP else 1e-9)
    assert np.linalg.norm((cell.T_world_cam @ grasp.T_cam_grasp)[:2, 3] - [0.01, -0.02]) < 0.012
    assert cell.execute(grasp.T_cam_grasp, grasp.width, grasp.kind).held


def test_the_oracle_says_when_nothing_seals():
    cell = cell_with(body_from_parts("bar", [box("bar", (0.01, 0.1, 0.01)).parts[0].vertices]))
    with pytest.raises(NoGraspFound, match="'rehearsed': 0"):
        SuctionOracle(cell).plan(cell.render(), cell.camera)


@pytest.mark.skipif(not SLEEP, reason="MuJoCo before 3.4 lets no cup hold the thin plate")
def test_either_oracle_takes_the_hand_that_can():
    for size, kind in (((0.14, 0.12, 0.01), "suction"), ((0.014, 0.1, 0.02), "jaws")):
        cell = cell_with(box("b", size))
        (grasp,) = EitherOracle(cell).plan(cell.render(), cell.camera)
        assert grasp.kind == kind and cell.execute(grasp.T_cam_grasp, grasp.width, grasp.kind).held


def test_policies_of_suction_need_a_cup():
    with pytest.raises(InputError, match="plane needs a suction cup"):
        make_policy("plane", PolicySetup(GRIPPER, Cell(GRIPPER)))
    with pytest.raises(InputError, match="needs a cell with a cup"):
        SuctionOracle(Cell(GRIPPER))
    check_hands(list(CUP_POLICIES), CUP)


def test_pictures_show_the_cup():
    cell = cell_with(box("b", (0.14, 0.12, 0.01)))
    depth = cell.render()
    (grasp,) = LargestPlanePlanner(CUP).plan(depth, cell.camera, cell.mask())
    picture = pick_picture(cell, depth, grasp)
    assert picture.shape == (480, 1280, 3)
    shown = view_of_gripper(cell, grasp, (240, 320)).astype(int)
    T = cell.T_world_cam @ grasp.T_cam_grasp
    without = view_of_table(cell, T, (240, 320)).astype(int)
    jaws = Grasp(grasp.T_cam_grasp, 0.08, 0.5, grasp.center_px, 0.0, grasp.depth)
    other = view_of_gripper(cell, jaws, (240, 320)).astype(int)
    assert (np.abs(shown - without).sum(axis=2) > 60).sum() > 800
    assert (np.abs(shown - other).sum(axis=2) > 60).sum() > 800


def run(tmp_path, *more, n=2):
    out = tmp_path / "out.json"
    code = run_command(evaluate.main, ["--objects", "procedural:4", "-n", str(n), "--json", str(out), *more])
    return code, out


def test_a_cup_that_no_policy_uses_is_refused(tmp_path, capsys):
    for given, said in (
        (["--cup", "piab_b30", "--policies", "antipodal,oracle"], "none of antipodal, oracle uses the cup piab_b30"),
        (["--cup", "piab_b30", "--gripper", "piab_b30", "--policies", "suction"], "both hands are suction cups"),
    ):
        code, _ = run(tmp_path, *given)
        assert code == 2 and said in capsys.readouterr().err


def test_trials_of_suction_have_figures_pictures_and_a_report(tmp_path):
    page = tmp_path / "page.html"
    given = ["--policies", "plane,centroid", "--cup", "piab_b30", "--report", str(page)]
    code, out = run(tmp_path, *given, n=3)
    assert code == 0
    summary = json.loads(out.read_text())
    assert summary["options"]["cup"]["name"] == "piab_b30" and set(summary["policies"]) == {"plane", "centroid"}
    rows = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()[1:]]
    hands = {(row["policy"], pick["hand"]) for row in rows for pick in row["picks"] if "hand" in pick}
    assert hands == {("plane", "suction"), ("centroid", "jaws")}
    assert "robotiq_2f85 and piab_b30" in page.read_text()
    assert cv2.imread(str(out.with_suffix(".png"))) is not None


def test_the_gripper_may_be_a_cup(tmp_path):
    code, out = run(tmp_path, "--policies", "plane", "--gripper", "schmalz_fsga20")
    assert code == 0 and json.loads(out.read_text())["options"]["cup"]["name"] == "schmalz_fsga20"


def test_trials_of_suction_without_a_cup_are_refused(tmp_path, capsys):
    code, out = run(tmp_path, "--policies", "plane,random")
    assert code == 2 and "plane needs a suction cup, such as --cup piab_b30" in capsys.readouterr().err
    assert not out.exists()
