"""The evaluation from its command line: results, resumption, refusals."""

import json
from pathlib import Path

import cv2
import pytest
import trimesh

from antipodal.errors import run_command
from antipodal.sim import evaluate, trials

ARGUMENTS = ["--objects", "procedural:4", "--policies", "centroid,random"]


def run(tmp_path, *more, name="out.json", n=3):
    code = run_command(evaluate.main, [*ARGUMENTS, "-n", str(n), "--json", str(tmp_path / name), *more])
    return code, tmp_path / name


def picks(out):
    """Trials without the one thing that differs from run to run, the time that planning took."""
    rows = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()[1:]]
    for row in rows:
        for pick in row["picks"]:
            pick.pop("plan_ms", None)
    return sorted(rows, key=lambda row: (row["scene"], row["policy"]))


def test_every_policy_meets_the_same_scenes(tmp_path, capsys):
    code, out = run(tmp_path, "--noise", "real")
    assert code == 0 and "centroid" in capsys.readouterr().out
    rows = picks(out)
    assert [(row["scene"], row["policy"]) for row in rows] == [(i, p) for i in range(3) for p in ("centroid", "random")]
    assert all(rows[2 * i]["objects"] == rows[2 * i + 1]["objects"] for i in range(3))
    summary = json.loads(out.read_text())
    assert summary["policies"]["centroid"]["held"]["n"] == 3 and len(summary["objects"]) == 3
    failures = sum(n for p in summary["policies"].values() for kind, n in p["outcomes"].items() if kind != "held")
    assert len(list(out.with_suffix(".failures").glob("*.png"))) == failures
    assert cv2.imread(str(out.with_suffix(".png"))) is not None


def test_the_clock_starts_after_two_plans_of_the_first_request(monkeypatch):
    asked, make = [], trials.make_policy

    def counted(name, setup):
        policy = make(name, setup)
        plan = policy.plan
        policy.plan = lambda *a, **named: asked.append(a[-1]) or plan(*a, **named)
        return policy

    monkeypatch.setattr(trials, "make_policy", counted)
    runner = trials.Runner(trials.TrialOptions("procedural:2"))
    rows = [runner.run(trials.Job(scene, "centroid")) for scene in (3, 4)]
    assert len(set(asked[:3])) == 1 and len(asked) == 2 + sum(len(row["picks"]) for row in rows)


def test_without_a_file_nothing_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command(evaluate.main, [*ARGUMENTS, "-n", "1", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["policies"]["centroid"]["held"]["n"] == 1
    assert run_command(evaluate.main, [*ARGUMENTS, "-n", "1"]) == 0
    assert "centroid" in capsys.readouterr().out
    assert not any(tmp_path.iterdir())


def test_a_run_that_was_killed_goes_on_to_the_same_result(tmp_path):
    _, whole = run(tmp_path, name="whole.json")
    _, cut = run(tmp_path, name="cut.json")
    log = cut.with_suffix(".jsonl")
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:3]) + lines[3][: len(lines[3]) // 2])  # killed in the middle of a line
    code, _ = run(tmp_path, name="cut.json")
    assert code == 0 and picks(cut) == picks(whole)


def test_more_scenes_keep_the_trials_that_are_there(tmp_path):
    _, out = run(tmp_path, n=1)
    first = out.with_suffix(".jsonl").read_text()
    run(tmp_path, n=2)
    assert out.with_suffix(".jsonl").read_text().startswith(first)
    assert len(picks(out)) == 4


def test_workers_come_to_the_same_result(tmp_path):
    _, one = run(tmp_path, name="one.json", n=2)
    _, two = run(tmp_path, "--workers", "2", name="two.json", n=2)
    assert picks(one) == picks(two)


def test_clutter_goes_on_until_the_table_is_clear_or_the_policy_gives_up(tmp_path):
    code, out = run(tmp_path, "--clutter", "2-3", n=2)
    assert code == 0
    for row in picks(out):
        assert 2 <= len(row["objects"]) <= 3
        assert row["left"] == 0 or [pick["kind"] != "held" for pick in row["picks"][-3:]] == [True] * 3


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--policies", "best"], "possible: antipodal"),
        (["--objects", "nowhere"], "nowhere"),
        (["--workers", "0"], "at least 1"),
        (["--policies", "antipodal", "--model", "missing.pt"], "missing.pt"),
        (["--gripper", "missing.yaml"], "missing.yaml"),
        (["--tilt", "80"], "a tilt of 0 to 75 degrees, got 0.7 m and 80 degrees"),
        (["--noise", "loud"], "unknown noise 'loud'; possible: none, real, dexnet2, or a camera"),
    ],
)
def test_bad_input_is_refused_with_code_2(tmp_path, capsys, arguments, message):
    code, out = run(tmp_path, *arguments)
    assert code == 2 and message in capsys.readouterr().err
    assert not out.exists()


def test_meshes_in_millimetres_need_their_units(tmp_path, capsys):
    trimesh.creation.box((40, 40, 40)).export(tmp_path / "box.stl")
    code, out = run(tmp_path, "--objects", str(tmp_path), n=1)
    assert code == 2 and "none of 2 trials had an object to pick" in capsys.readouterr().err
    assert not out.exists()
    code, out = run(tmp_path, "--objects", str(tmp_path), "--units", "mm", name="mm.json", n=1)
    assert code == 0 and json.loads(out.read_text())["policies"]["centroid"]["held"]["n"] == 1


def test_noise_may_be_a_sensors_own(tmp_path):
    camera = Path(__file__).parents[2] / "config/cameras/phoxi_s.yaml"
    code, out = run(tmp_path, "--noise", str(camera), n=1)
    assert code == 0
    noise = json.loads(out.with_suffix(".jsonl").read_text().splitlines()[0])["options"]["noise"]
    assert noise["baseline"] == 0.17 and noise["pixel_sd"] == 0.0001


def test_a_refused_run_leaves_no_log(tmp_path, capsys):
    code, out = run(tmp_path, "--objects", str(tmp_path / "missing"), n=1)
    assert code == 2 and not out.with_suffix(".jsonl").exists()
    assert run(tmp_path, n=1)[0] == 0


def test_trials_of_other_options_are_not_mixed(tmp_path, capsys):
    run(tmp_path, n=1)
    code, _ = run(tmp_path, "--seed", "1", n=1)
    assert code == 2 and "other options" in capsys.readouterr().err


def test_a_list_names_the_objects_to_use(tmp_path, capsys):
    names = tmp_path / "names.txt"
    names.write_text("procedural_7919_00002\n")
    _, out = run(tmp_path, "--objects-list", str(names), n=2)
    assert {name for row in picks(out) for name in row["objects"]} == {"procedural_7919_00002"}
    names.write_text("teapot\n")
    code, _ = run(tmp_path, "--objects-list", str(names), name="other.json")
    assert code == 2 and "teapot" in capsys.readouterr().err


def test_the_html_report_holds_the_summary_and_needs_no_network(tmp_path):
    page = tmp_path / "report.html"
    code, out = run(tmp_path, "--report", str(page))
    text, summary = page.read_text(), json.loads(out.read_text())
    assert code == 0
    for name, policy in summary["policies"].items():
        held = policy["held"]
        assert f"<span>{name}</span><b>{100 * held['rate']:.1f} %</b>" in text
        assert f"{100 * held['low']:.1f} to {100 * held['high']:.1f} %" in text
    assert all(name in text for name in summary["objects"])
    failures = sum(1 for row in picks(out) for pick in row["picks"] if pick["kind"] != "held" and "quality" in pick)
    assert text.count('class="strip"') == min(6, failures) > 0
    assert text.count("data:image/jpeg") == 3 * min(6, failures) + len(summary["objects"])
    assert "http://" not in text and "https://" not in text and "<script" not in text and "default-src 'none'" in text


def test_a_replay_ends_as_the_trial_did(tmp_path):
    """The strip of a failure shows that failure: the scene, the plan and the physics are the trial's."""
    options = evaluate.TrialOptions(objects="procedural:4")
    runner, again = evaluate.Runner(options), evaluate.Runner(options)
    row = runner.run(evaluate.Job(0, "random"))
    frames = again.replay(evaluate.Job(0, "random"), 0).frames
    assert len(frames) == 3 and len({frame.shape for frame in frames}) == 1
    assert again.run(evaluate.Job(0, "random"))["picks"][0]["kind"] == row["picks"][0]["kind"]
