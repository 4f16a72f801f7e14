"""sim.conveyor, sim.chase and sim.follow: objects that pass by."""

import json

import numpy as np
import pytest

pytest.importorskip("mujoco")
import trimesh

from antipodal import resources, transforms
from antipodal.errors import InputError, NoGraspFound, run_command
from antipodal.grasp import Grasp, Gripper
from antipodal.planner import Plan
from antipodal.sim import follow
from antipodal.sim.cell import Cell
from antipodal.sim.chase import ChaseOptions, chase
from antipodal.sim.conveyor import Conveyor
from antipodal.sim.objects import body_from_mesh
from antipodal.sim.trials import TrialOptions
from antipodal.synth.images.noise import NoiseOptions, sensor_errors

VELOCITY = np.array([0.03, 0.04, 0.0])


def box_cell():
    """A box that lies flat in the middle."""
    cell = Cell(Gripper())
    cell.drop([body_from_mesh("box", trimesh.creation.box((0.06, 0.04, 0.04)))], np.random.default_rng(1))
    cell._put(0, transforms.compose(np.eye(3), np.array([0.0, 0.0, 0.0201])))
    cell.settle()
    return cell


class Knowing:
    """A planner that knows where the box is."""

    def __init__(self, cell):
        self.gripper, self._cell = cell.gripper, cell

    def plan(self, depth, camera, *arguments, start=()):
        T_world_grasp = self._cell.pose(0) @ transforms.compose(np.diag([1.0, -1.0, -1.0]), np.zeros(3))
        T = transforms.invert(self._cell.T_world_cam) @ T_world_grasp
        return Plan([Grasp(T, 0.07, 0.9, (0.0, 0.0), 0.0, T[2, 3])], list, {}, {})


class Blind(Knowing):
    def plan(self, depth, camera, *arguments, start=()):
        raise NoGraspFound("nothing", {})


def test_the_camera_sees_the_box_pass_and_the_hand_stays_in_the_lab():
    cell = box_cell()
    conveyor, start = Conveyor(cell, VELOCITY), cell.pose(0)[:3, 3].copy()
    first = conveyor.look()
    conveyor.hand.place(transforms.compose(np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, 0.3])), 0.08)
    for _ in range(500):
        conveyor.hand.step()
    np.testing.assert_allclose(conveyor.hand.position(), [0, 0, 0.3], atol=0.001)
    np.testing.assert_allclose(cell.pose(0)[:3, 3], start, atol=1e-4)
    higher = [np.argwhere(image < image.max() - 0.02).mean(axis=0) for image in (first, conveyor.look())]
    centre = cell.camera.project(np.array([[0.0, 0.0, 0.66]])) - cell.camera.project(np.array([[0.0, 0.05, 0.66]]))
    assert np.linalg.norm(higher[1] - higher[0]) == pytest.approx(np.linalg.norm(centre), rel=0.1)


@pytest.mark.parametrize("mode, speed, held", [("open", 0, True), ("open", 1, False), ("follow", 0, True)])
def test_what_is_met_where_it_is_is_held(mode, speed, held):
    conveyor = Conveyor(box_cell(), speed * VELOCITY)
    outcome, times = chase(conveyor, Knowing(conveyor.cell), ChaseOptions(mode=mode), lambda depth: depth)
    assert outcome.held == held, outcome
    assert len(times) == 1 if mode == "open" else len(times) > 10


def test_following_meets_what_moves_where_chasing_comes_late():
    kinds = {}
    for mode in ("chase", "follow"):
        conveyor = Conveyor(box_cell(), 2 * VELOCITY)
        options = ChaseOptions(mode=mode, latency=0.1)
        kinds[mode] = chase(conveyor, Knowing(conveyor.cell), options, lambda depth: depth)[0].kind
    assert kinds["follow"] == "held" and kinds["chase"] != "held", kinds


def test_gives_up_where_no_grasp_is_found():
    conveyor = Conveyor(box_cell(), VELOCITY)
    options = ChaseOptions(hover=0.2, patience=0.2)
    assert chase(conveyor, Blind(conveyor.cell), options, lambda depth: depth) == (None, [])


def test_options_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="no mode 'wait'; possible: open, chase, follow"):
        ChaseOptions(mode="wait")
    with pytest.raises(InputError, match="period must be positive"):
        ChaseOptions(period=0)


def test_a_summary_counts_each_speed_and_mode():
    rows = [
        {"speed": 0.02, "mode": mode, "kind": kind, "plan_ms": [10.0, 20.0]}
        for mode, kind in [("open", "missed"), ("open", "held"), ("follow", "held"), ("follow", "held")]
    ]
    first, second = follow.summarise_following(rows)
    assert (first["mode"], first["held"], first["n"], first["others"]) == ("open", 1, 2, {"missed": 1})
    assert (second["mode"], second["held"], second["plan_ms_p50"]) == ("follow", 2, 15.0)
    assert "50.0 %" in follow.following_table([first, second])


def test_a_run_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    ran = []

    def trial(runner, planner, options, scene, speed):
        ran.append((scene, speed, options.mode))
        return {"scene": scene, "speed": speed, "mode": options.mode, "kind": "held", "plan_ms": [1.0]}

    monkeypatch.setattr(follow, "_trial", trial)
    trials = TrialOptions("procedural:2", model=str(resources.find("models/default.pt")))
    arguments = (trials, ChaseOptions(), [0.0, 0.05], ["open", "follow"])
    follow.evaluate_following(*arguments, 1, tmp_path / "out.json")
    rows = follow.evaluate_following(*arguments, 3, tmp_path / "out.json")
    assert len(ran) == len(set(ran)) == len(rows) == 12
    with pytest.raises(InputError, match="trials of other options"):
        follow.evaluate_following(trials, ChaseOptions(latency=0.2), [0.0], ["open"], 1, tmp_path / "out.json")


def test_a_hyphen_is_standard_output(tmp_path, monkeypatch, capsys):
    row = {"scene": 0, "speed": 0.0, "mode": "open", "kind": "held", "plan_ms": [1.0]}
    monkeypatch.setattr(follow, "_trial", lambda *_: row)
    monkeypatch.chdir(tmp_path)
    options = ["--objects", "procedural:2", "-n", "1", "--speeds", "0", "--modes", "open"]
    assert run_command(follow.main, [*options, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == [row] and told["summary"][0]["held"] == 1 and not list(tmp_path.iterdir())
    assert run_command(follow.main, [*options, "--json", "out.json"]) == 0
    assert json.loads((tmp_path / "out.json").read_text()) == told and "100.0 %" in capsys.readouterr().out


def test_the_command_refuses_what_is_not_there(tmp_path, capsys):
    assert (
        run_command(follow.main, ["--objects", str(tmp_path / "none"), "-n", "1", "--json", str(tmp_path / "out.json")])
        == 2
    )
    assert "error: " in capsys.readouterr().err


def test_noise_goes_by_name_or_is_a_sensors_own():
    cell = box_cell()
    seen = [
        sensor_errors(n)(cell.render(), cell.camera, np.random.default_rng(1)) for n in ("none", "real", NoiseOptions())
    ]
    np.testing.assert_array_equal(seen[0], cell.render())
    np.testing.assert_array_equal(seen[1], seen[2])
    assert np.any(seen[0] != seen[1])
