"""Grippers measured on meshes whose lengths are known."""

import dataclasses
import json

import numpy as np
import pytest
import trimesh

from antipodal.errors import InputError, run_command
from antipodal.grasp import Gripper
from antipodal.synth.grippers import MeasureOptions, main, measure


def boxes(gripper, opening, palm=True):
    """A gripper's boxes as one mesh, its tips at an arbitrary height."""
    g, parts = gripper, []
    for side in (-1, 1):
        jaw = trimesh.creation.box([g.jaw_width, g.jaw_thickness, g.jaw_length])
        parts.append(jaw.apply_translation([0, side * (opening + g.jaw_thickness) / 2, -g.jaw_length / 2]))
    if palm:
        block = trimesh.creation.box([*g.palm_size, 0.05])
        parts.append(block.apply_translation([0, 0, -g.jaw_length - 0.025]))
    return trimesh.util.concatenate(parts).apply_translation([0.01, -0.02, 0.3])


@pytest.mark.parametrize(
    "gripper",
    [
        Gripper(pad_length=0.03, hand_box=None),
        Gripper("thin", 0.05, 0.0, 0.005, 0.012, 0.041, 0.02, palm_size=(0.04, 0.09), hand_box=None),
    ],
    ids=["wide", "thin"],
)
def test_a_grippers_boxes_come_back(gripper):
    options = MeasureOptions(pad_length=gripper.pad_length, force=gripper.force)
    found = measure(boxes(gripper, gripper.max_width), gripper.name, options)
    assert found.jaw_length == pytest.approx(gripper.jaw_length, abs=0.0006)  # a cut's distance
    assert dataclasses.replace(found, jaw_length=gripper.jaw_length) == gripper


def test_half_open_jaws_and_a_given_opening():
    found = measure(boxes(Gripper(), 0.03), "g", MeasureOptions(max_width=0.085))
    assert found.max_width == 0.085 and found.jaw_thickness == 0.010
    assert found.pad_length == pytest.approx(found.jaw_length / 2, abs=1e-4)


def test_thick_fingers_count_at_their_tips():
    g = Gripper(jaw_length=0.06)
    knuckles = boxes(dataclasses.replace(g, jaw_length=0.03, jaw_thickness=0.02), g.max_width, palm=False)
    found = measure(boxes(g, g.max_width) + knuckles.apply_translation([0, 0, -0.03]), "g")
    assert found.jaw_thickness == 0.010 and found.jaw_length == pytest.approx(0.06, abs=0.0006)


def box(size, center):
    return trimesh.creation.box(size).apply_translation(center)


def test_three_fingers_are_not_two_jaws():
    palm = box([0.1, 0.15, 0.05], [0, 0, -0.085])
    finger = [0.015, 0.012, 0.06]
    places = {"two against one": [(-0.03, -0.04), (0.03, -0.04), (0, 0.04)], "a row": [(0, -0.05), (0, 0), (0, 0.05)]}
    angles = np.deg2rad([90, 210, 330])
    places["around"] = [(0.05 * np.cos(a), 0.05 * np.sin(a)) for a in angles]
    for fingers in places.values():
        hand = trimesh.util.concatenate([palm, *(box(finger, [x, y, -0.03]) for x, y in fingers)])
        with pytest.raises(InputError, match=r"2 (fingers|bodies).*on the (low|high) side of y.*one jaw on each side"):
            measure(hand, "g")


def test_knuckles_are_not_jaws():
    g = Gripper()
    for height, reach in ((0.005, 0.07), (-0.005, 0.07)):  # above the tips, and just below them, outside of the jaws
        knuckles = [box([0.02, 0.01, 0.06], [0.01, -0.02 + s * reach, 0.3 + height - 0.03]) for s in (-1, 1)]
        with pytest.raises(InputError, match=r"one behind the other.*its tip the highest point"):
            measure(trimesh.util.concatenate([boxes(g, g.max_width), *knuckles]), "g")


def test_knuckles_further_down_do_not_hide_the_palm():
    g = Gripper()
    knuckles = [
        box([0.02, 0.01, g.jaw_length + 0.05 - 0.03], [0.01, -0.02 + s * 0.07, 0.3 - 0.03 - 0.04]) for s in (-1, 1)
    ]
    found = measure(trimesh.util.concatenate([boxes(g, g.max_width), *knuckles]), "g")
    assert found.jaw_length == pytest.approx(g.jaw_length, abs=0.0006) and found.jaw_thickness == g.jaw_thickness


def test_a_forked_jaw_is_one_jaw():
    g = Gripper()
    prongs = [box([0.004, g.jaw_thickness, 0.008], [0.01 + x, -0.02 + s * (g.max_width + g.jaw_thickness) / 2, 0.304])
              for x in (-0.006, 0.006) for s in (-1, 1)]  # fmt: skip
    found = measure(trimesh.util.concatenate([boxes(g, g.max_width), *prongs]), "g")
    assert found.jaw_length == pytest.approx(g.jaw_length + 0.008, abs=0.0006) and found.max_width == g.max_width


def test_the_command_writes_what_the_planner_reads(tmp_path, capsys):
    mesh, out = tmp_path / "hand.stl", tmp_path / "mine.yaml"
    boxes(Gripper(), 0.085).apply_scale(1000).export(mesh)
    assert main([str(mesh), "--units", "mm", "--max-width", "0.08", "--force", "25", "--out", str(out)]) == 0
    gripper = Gripper.load(out)
    assert gripper.name == "mine" and gripper.max_width == 0.08 and gripper.force == 25
    assert "jaw_length" in capsys.readouterr().out and [p.name for p in tmp_path.glob(".*")] == []
    assert main([str(mesh), "--units", "mm", "--out", str(out), "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(out) and told["gripper"]["jaw_length"] == Gripper.load(out).jaw_length


def test_what_shows_no_gripper_is_refused(tmp_path, capsys):
    with pytest.raises(InputError, match=r"g: no gap between two jaws .* show the jaws open"):
        measure(boxes(Gripper(), 0.0), "g")
    with pytest.raises(InputError, match="must hold the palm"):
        measure(boxes(Gripper(), 0.05, palm=False), "g")
    with pytest.raises(InputError, match=r"pads of 0.2 m are longer than the jaws, which are 0.06"):
        measure(boxes(Gripper(), 0.05), "g", MeasureOptions(pad_length=0.2))
    assert run_command(main, [str(tmp_path / "none.stl"), "--out", str(tmp_path / "g.yaml")]) == 2
    assert "none.stl" in capsys.readouterr().err and not np.any([p.exists() for p in tmp_path.glob("*.yaml")])
