"""Trials with several cameras, and with an object that is asked for."""

import json

import numpy as np
import pytest

from antipodal import transforms
from antipodal.errors import InputError, run_command
from antipodal.sim import evaluate
from antipodal.sim.looks import camera_poses
from antipodal.sim.trials import Job, Runner, TrialOptions


def options(**changes):
    values = {"objects": "procedural:4", "clutter": (3, 3), "mask": False, "seed": 3}
    return TrialOptions(**{**values, **changes})


@pytest.fixture(scope="module")
def shown():
    """A runner, its cell, and the looks with three cameras and by object."""
    runner = Runner(options(views=3, by_object=True))
    cell = runner.make_cell(0)
    return runner, cell, runner._look(cell, 0, 0)


def test_cameras_stand_around_the_table_and_agree(shown):
    _, cell, look = shown
    poses = camera_poses(cell.T_world_cam, 3)
    for pose, view in zip(poses, look.views):
        np.testing.assert_allclose(np.linalg.norm(pose[:3, 3]), 0.7, atol=1e-9)
        np.testing.assert_allclose(transforms.apply(transforms.invert(pose), np.zeros((1, 3)))[0, :2], 0, atol=1e-9)
        np.testing.assert_allclose(view.T_frame_cam, transforms.invert(cell.T_world_cam) @ pose, atol=1e-9)
        v, u = np.nonzero(view.depth)
        points = cell.camera.deproject(np.stack([u, v], axis=-1), view.depth[v, u])
        heights = transforms.apply(pose, points)[:, 2]
        assert abs(np.percentile(heights, 5)) < 1e-3, "the table is where it is"
        assert (view.labels[v, u] > 0)[heights > 0.01].mean() > 0.99


def test_an_object_that_is_asked_for_is_seen_and_on_the_table(shown):
    _, cell, look = shown
    assert look.target in cell.remaining()
    assert np.count_nonzero(look.views[0].labels == look.target + 1) >= 200
    one = Runner(options(by_object=True))
    assert one._look(one.make_cell(0), 0, 0).target == look.target, "the same whatever the number of cameras"


def test_a_trial_by_object_says_when_another_is_held(monkeypatch):
    runner = Runner(options(by_object=True, clutter=(2, 2)))
    row = runner.run(Job(0, "geometry"))
    assert {pick["kind"] for pick in row["picks"]} <= {"held", "no_grasp", "slipped", "missed", "lost_in_shake"}
    cell = runner.make_cell(0)
    look = runner._look(cell, 0, 0)
    picked = look.plan(runner._policy("geometry", cell), 0).label
    assert picked == look.target + 1
    other = type(look)(look.views, 1 - look.target)
    monkeypatch.setattr(Runner, "_look", lambda *_: Swapped(look, other))
    pick = runner._pick(cell, Job(0, "geometry"), 0, [])
    assert pick["kind"] in ("wrong_object", "slipped", "missed", "lost_in_shake", "no_grasp")


class Swapped:
    """Plans for one object while another is asked for."""

    def __init__(self, planned, asked):
        self.planned, self.depth, self.target = planned, planned.depth, asked.target

    def plan(self, policy, seed, told):
        return self.planned.plan(policy, seed, told)


def test_three_views_from_the_command_line(tmp_path):
    words = "--objects procedural:4 -n 1 --clutter 2 --no-mask --noise real --policies geometry --views 3"
    assert run_command(evaluate.main, [*words.split(), "--json", str(tmp_path / "out.json")]) == 0
    summary = json.loads((tmp_path / "out.json").read_text())
    assert summary["options"]["views"] == 3 and summary["policies"]["geometry"]["held"]["n"] >= 1


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"views": 0}, "1 to 8 views are possible, got 0"),
        ({"views": 9}, "got 9"),
        ({"room": True, "views": 2}, "in a room there is one view"),
    ],
)
def test_trials_that_cannot_be_are_refused(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        options(**changes)


def test_baselines_take_one_view(tmp_path, capsys):
    words = "--objects procedural:4 -n 1 --views 2 --policies random,antipodal"
    assert run_command(evaluate.main, [*words.split(), "--json", str(tmp_path / "out.json")]) == 2
    assert (
        "several views and label images are for antipodal, dense, geometry, not for random" in capsys.readouterr().err
    )
