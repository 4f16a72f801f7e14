"""One ranking of two hands' grasps, and the planner that a file's type asks for."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from scenes import CAMERA, box, render

from antipodal import networks, plan, resources
from antipodal.both_hands import BothHands, load_planner
from antipodal.camera import Camera
from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import Gripper
from antipodal.grasping.draw import overlay
from antipodal.grasping.hand_shapes import Cylinder, hand_for, outline_of, solids_of
from antipodal.networks.flatness import Flatness
from antipodal.networks.suction_crops import suction_crop_definition
from antipodal.planner import GraspPlanner
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner
from tests.inputs import labels_of

CUP = SuctionCup("cup", 0.010, 0.030, 0.006, 300.0, 12.0, 0.5, (0.05, 0.05, 0.1))
BAR, SLAB = box((-0.06, 0.0), (0.09, 0.03, 0.04), 0.3), box((0.07, 0.03), (0.13, 0.11, 0.03), 1.0)


@pytest.fixture(scope="module")
def both():
    return BothHands(
        GraspPlanner.load(resources.find("models/default.pt"), device="cpu"), SuctionPlanner(Flatness(), CUP)
    )


@pytest.fixture(scope="module")
def cup_model(tmp_path_factory):
    """A model file of suction crops, with weights as they are drawn."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "cup.pt"
    networks.save(path, networks.GraspNetwork("patch"), {"crop": suction_crop_definition()})
    return path


def test_the_best_of_both_hands_comes_first(both):
    depth, _ = render([BAR, SLAB])
    merged = both.plan(depth, CAMERA, max_grasps=6)
    alone = [planner.plan(depth, CAMERA, max_grasps=6) for planner in (both.jaws, both.suction)]
    expected = sorted((g for p in alone for g in p), key=lambda g: -g.quality)[:6]
    assert [g.to_dict() for g in merged] == [g.to_dict() for g in expected]
    assert {g.kind for g in both.plan(depth, CAMERA, max_grasps=30)} == {"jaws", "suction"}
    assert len(merged.candidates) == sum(len(p.candidates) for p in alone)


def test_jaws_wider_than_the_image_leave_it_to_the_cup(both):
    near, camera = 0.2, Camera(1163.0, 1163.0, 159.5, 119.5, 320, 240)  # 55 mm wide
    depth = np.full((240, 320), near, np.float32)
    depth[50:190, 70:250] = near - 0.02
    mask = depth < near
    with pytest.raises(InputError, match="wide on approach"):
        both.jaws.plan(depth, camera, mask)
    alone = both.suction.plan(depth, camera, mask)
    assert [g.to_dict() for g in both.plan(depth, camera, mask)] == [g.to_dict() for g in alone]
    with pytest.raises(InputError, match="wide on approach"):
        both.plan(depth, camera, mask, hands=("jaws",))
    rough = depth + 0.03 * (np.indices(depth.shape).sum(axis=0) // 6 % 2).astype(np.float32)
    with pytest.raises(NoGraspFound, match=r"jaws: .*wide on approach.*; suction: "):
        both.plan(rough, camera, mask)


def test_what_is_too_wide_for_jaws_is_left_to_the_cup(both):
    depth, _ = render([box((0.0, 0.0), (0.14, 0.12, 0.02))])
    with pytest.raises(NoGraspFound):
        both.jaws.plan(depth, CAMERA)
    held = both.plan(depth, CAMERA)
    assert {(g.kind, g.hand) for g in held} == {("suction", "cup")} and held.counts["jaws pixels"] > 0


def test_hands_may_be_named(both):
    depth, _ = render([BAR, SLAB])
    for asked, kind in [(["jaws"], "jaws"), (["cup"], "suction"), (["suction"], "suction"), (["robotiq_2f85"], "jaws")]:
        assert {g.kind for g in both.plan(depth, CAMERA, hands=asked)} == {kind}
    with pytest.raises(InputError, match="no hand vacuum; possible: cup, jaws, robotiq_2f85, suction"):
        both.plan(depth, CAMERA, hands=["vacuum"])
    with pytest.raises(InputError, match="no hand jaws"):
        both.suction.plan(depth, CAMERA, hands=["jaws"])


def test_each_hands_reason_is_told_where_neither_finds_a_grasp(both):
    depth, _ = render([box((0, 0), (0.14, 0.12, 0.02))])
    wide = SuctionCup("wide", 0.12, 0.05, 0.01, 300.0, 12.0, 0.5, (0.05, 0.05, 0.1))
    with pytest.raises(NoGraspFound, match=r"jaws: .*; suction: .*smooth over the lip of wide") as e:
        BothHands(both.jaws, SuctionPlanner(Flatness(), wide)).plan(depth, CAMERA)
    assert {"jaws pixels", "suction smooth"} <= set(e.value.counts)


def test_the_scene_is_found_once(both, monkeypatch):
    from antipodal.planning import last_result

    calls, observe = [], last_result.observe
    monkeypatch.setattr(last_result, "observe", lambda *a: calls.append(1) or observe(*a))
    both.plan(render([BAR, SLAB])[0], CAMERA)
    assert len(calls) == 1


def test_per_object_counts_both_hands(both):
    depth, _ = render([BAR, SLAB])
    labels = labels_of([BAR, SLAB])
    found = both.plan(depth, CAMERA, labels=labels, per_object=1)
    assert sorted(g.label for g in found) == [1, 2]


def test_per_object_without_labels_is_refused(both):
    with pytest.raises(InputError, match="no label image was given"):
        both.plan(render([BAR, SLAB])[0], CAMERA, per_object=1)


@pytest.mark.parametrize("hands", ["suction", [3], 3, [["suction"]], [None]])
def test_hands_are_a_list_of_names(both, hands):
    with pytest.raises(InputError, match="hands must be a list of names or kinds"):
        both.plan(render([SLAB])[0], CAMERA, hands=hands)


@pytest.mark.parametrize("jaws, cup", [("mine", "mine"), ("mine", "jaws"), ("suction", "mine")])
def test_a_name_is_of_one_hand_alone(both, jaws, cup):
    planners = GraspPlanner(both.jaws.network, Gripper(name=jaws)), SuctionPlanner(Flatness(), replace(CUP, name=cup))
    with pytest.raises(InputError, match=f"names of both hands must differ.*{jaws}.*{cup}"):
        BothHands(*planners)


def test_a_model_that_would_not_be_used_is_an_input_error(cup_model):
    with pytest.raises(InputError, match="piab_b30, a suction cup alone, has one model, got default and"):
        load_planner("piab_b30", model="default", suction_model=cup_model)
    with pytest.raises(InputError, match=r"cup\.pt is a suction cup's model, but the only hand is robotiq_2f85"):
        load_planner("robotiq_2f85", suction_model=cup_model)


def test_earlier_grasps_start_their_own_hands_search(both):
    depth, _ = render([BAR, SLAB])
    first = both.plan(depth, CAMERA, max_grasps=10)
    again = both.plan(depth, CAMERA, max_grasps=10, start=first.grasps, seed=1)
    assert again[0].quality > 0.9 * first[0].quality


def test_the_files_type_picks_the_planner(cup_model):
    assert isinstance(load_planner("robotiq_2f85", device="cpu"), GraspPlanner)
    cup = load_planner("piab_b30", suction_model=cup_model)
    assert isinstance(cup, SuctionPlanner) and [h.kind for h in cup.hands] == ["suction"]
    two = load_planner("franka_hand", "piab_b30", suction_model=cup_model, device="cpu")
    assert isinstance(two, BothHands) and [h.name for h in two.hands] == ["franka_hand", "piab_b30"]
    with pytest.raises(InputError, match="both hands are suction cups"):
        load_planner("piab_b30", "robotiq_epick", suction_model=cup_model)


def test_the_command_plans_for_a_cup_and_for_both(cup_model, tmp_path):
    np.save(tmp_path / "depth.npy", render([BAR, SLAB])[0])
    (tmp_path / "camera.yaml").write_text(yaml.safe_dump(CAMERA.to_dict()))
    (tmp_path / "cup.yaml").write_text(yaml.safe_dump(CUP.to_dict()))
    command = [str(tmp_path / "depth.npy"), "--camera", str(tmp_path / "camera.yaml"), "--device", "cpu"]
    out = ["--json", str(tmp_path / "out.json"), "--png", str(tmp_path / "out.png")]
    plan.main([*command, "--gripper", str(tmp_path / "cup.yaml"), "--model", str(cup_model), *out])
    found = json.loads((tmp_path / "out.json").read_text())
    assert {(g["hand"], g["kind"]) for g in found["grasps"]} == {("cup", "suction")}
    assert (tmp_path / "out.png").stat().st_size > 1000
    plan.main(
        [*command, "--cup", str(tmp_path / "cup.yaml"), "--suction-model", str(cup_model), "--max-grasps", "40", *out]
    )
    found = json.loads((tmp_path / "out.json").read_text())
    assert {g["kind"] for g in found["grasps"]} == {"jaws", "suction"}


def test_pictures_and_shapes_of_either_hand(both):
    depth, _ = render([BAR, SLAB])
    found = both.plan(depth, CAMERA, max_grasps=30)
    picture = overlay(depth, CAMERA, found.grasps, both.hands, found.candidates)
    assert (picture != overlay(depth, CAMERA, [], both.hands)).any()
    one = next(g for g in found if g.kind == "suction")
    assert hand_for(one, both.hands) is both.suction.cup
    with pytest.raises(InputError, match="suction is for none of"):
        hand_for(one, Gripper())
    cup, body = solids_of(CUP, 0.0).values()
    assert isinstance(cup, Cylinder) and cup.front == 0 and cup.back == pytest.approx(body.high[2])
    np.testing.assert_allclose(cup.size, [0.02, 0.02, 0.03])
    np.testing.assert_allclose(np.linalg.norm(outline_of(CUP, 0.0), axis=-1), CUP.radius)
