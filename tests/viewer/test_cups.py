"""Plans of the page for suction cups, alone and beside a gripper."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from chromium import chromium, wait_for
from scenes import CAMERA, box, render

from antipodal.both_hands import load_planner
from antipodal.errors import InputError
from antipodal.grasping.cup_clearance import cup_body
from antipodal.viewer.both_look import BothLook
from antipodal.viewer.crop_pictures import RED
from antipodal.viewer.explain_cup import cup_crop, explain_cup
from antipodal.viewer.frames import Frame
from antipodal.viewer.hand_pages import HAND_PAGES
from antipodal.viewer.replan import Replanner
from antipodal.viewer.settings import EACH_ITS_OWN
from antipodal.viewer.shapes import forks, hand_solids, nearest_to_ray

BAR, SLAB = box((-0.06, 0.0), (0.09, 0.03, 0.05), 0.3), box((0.07, 0.03), (0.13, 0.11, 0.03), 1.0)
DEPTH, _ = render([BAR, SLAB])
FRAME = Frame("boxes", DEPTH, CAMERA)


@pytest.fixture(scope="module")
def planner():
    return load_planner("piab_b30", device="cpu")


@pytest.fixture(scope="module")
def alone(planner):
    return Replanner(planner)


@pytest.fixture(scope="module")
def both():
    return Replanner(load_planner("robotiq_2f85", "piab_b30", device="cpu"))


def plain(grasps):
    return [g.to_dict() for g in grasps]


@pytest.mark.parametrize("hands", [("piab_b30",), ("robotiq_2f85", "piab_b30")])
def test_at_the_start_the_plan_is_the_command_lines(alone, both, hands):
    look = (alone if len(hands) == 1 else both).look(FRAME, (alone if len(hands) == 1 else both).start)
    assert plain(look.plan) == plain(load_planner(*hands, device="cpu").plan(DEPTH, CAMERA))
    assert plain(e.grasp for e in look.entries("result"))[: len(look.plan)] == plain(look.plan)


@pytest.mark.parametrize(
    "change, holds",
    [
        ({"radius": 0.010}, lambda look: look.cup.radius == 0.010),
        ({"coverage": 0.7}, lambda look: look.options.points.coverage == 0.7),
        ({"tilt": 0.0}, lambda look: look.options.tilt == 0.0),
        ({"approach": "camera"}, lambda look: all(g.T_cam_grasp[2, 2] > math.cos(0.5) for g in look.plan)),
        ({"seed": 5}, lambda look: True),
    ],
)
def test_a_setting_changes_the_plan(alone, change, holds):
    before, look = alone.look(FRAME, alone.start), alone.look(FRAME, replace(alone.start, **change))
    assert look.plan is not None and holds(look)
    assert alone.start.approach == "any" and plain(alone.look(FRAME, alone.start).plan) == plain(before.plan)


def test_an_impossible_cup_and_a_surface_that_is_nowhere_smooth_are_reasons(alone):
    assert "travel below the length" in alone.look(FRAME, replace(alone.start, travel=0.05)).reason
    look = alone.look(FRAME, replace(alone.start, coverage=1.0))
    assert look.plan is None and "the lip of piab_b30 (radius 16 mm)" in look.reason
    assert look.steps() == ["result", "points"] and len(look.grasps("points")) > 0  # what was tried is shown
    assert "not smooth" in dict(explain_cup(look, 0, "points"))["Point"]


def test_the_steps_of_the_search_are_its_batches(alone):
    look = alone.look(FRAME, alone.start)
    assert look.steps() == ["result", "points", "start", "iteration 1", "iteration 2"]
    assert len(look.grasps("points")) <= look.counts["points"]
    scored = [g for step in look.steps()[2:] for g in look.grasps(step)]
    assert len(scored) == look.counts["scored"] and max(g.quality for g in scored) == pytest.approx(
        look.plan[0].quality
    )
    assert all(g.kind == "suction" and np.isfinite(g.quality) for g in scored)


def test_the_explanation_states_what_the_plan_used(alone):
    look = alone.look(FRAME, alone.start)
    facts = dict(explain_cup(look, 0))
    assert facts["P(success)"] == f"{look.plan[0].quality:.3f}" and facts["Returned"].startswith("as number 1 of")
    network, lost = (float(n) for n in re.findall(r"(\d\.\d+)(?=;| log)", facts["Network alone"]))
    odds = math.log(network / (1 - network)) - lost
    assert 1 / (1 + math.exp(-odds)) == pytest.approx(look.plan[0].quality, abs=0.01)  # the parts make the whole
    assert facts["Surface"].endswith("smooth") and "degrees off the support" in facts["Approach"]
    others = [dict(explain_cup(look, k))["Returned"] for k in range(len(look.plan), len(look.grasps("result")))]
    assert others and all(text.startswith("no: ") for text in others)


def test_the_crop_is_shown_with_the_lip(alone):
    look = alone.look(FRAME, alone.start)
    picture, words = cup_crop(look, 0)
    ring = np.argwhere((picture == RED).all(axis=2))
    assert "64 mm a side" in words and np.ptp(ring, axis=0) == pytest.approx([160, 160], abs=4)
    assert cup_crop(look, 0, "points")[1] == ""  # no network saw those


def test_the_cup_is_drawn_at_true_size_and_found_by_a_click(alone):
    look = alone.look(FRAME, alone.start)
    grasp, cup = look.plan[0], look.cup
    drawn, body = hand_solids(grasp, cup)
    assert (drawn.name, body.name) == ("cup", "body") and drawn.radius == cup.radius and body.radius is None
    assert np.allclose(drawn.T[:3, 3], grasp.T_cam_grasp[:3, 3] - cup.length / 2 * grasp.T_cam_grasp[:3, 2])
    assert np.allclose(drawn.size, [2 * cup.radius, 2 * cup.radius, cup.length])
    assert np.allclose(body.size, cup_body(cup).size)
    assert len(forks([grasp], cup)[0]) == 25  # its lip, and the last stretch of its way
    assert nearest_to_ray([grasp], cup, np.zeros(3), grasp.T_cam_grasp[:3, 3]) == 0


def test_both_hands_are_one_list(both):
    look = both.look(FRAME, both.start)
    assert isinstance(look, BothLook) and both.start.approach == EACH_ITS_OWN
    assert look.steps() == ["result", "pairs", "points", "start", "iteration 1", "iteration 2"]
    entries = look.entries("result")
    assert {e.grasp.kind for e in entries} == {"jaws", "suction"}
    for grasp, of_hand, place in entries:
        assert plain(of_hand.grasps("result")[place : place + 1]) == plain([grasp])
        assert dict(HAND_PAGES[grasp.kind].facts(of_hand, place, "result"))["P(success)"] == f"{grasp.quality:.3f}"


def test_the_reason_of_the_hand_that_finds_none_is_kept(both):
    look = both.look(FRAME, replace(both.start, coverage=1.0))
    assert {g.kind for g in look.plan} == {"jaws"}
    assert look.parts[0].reason == "" and "piab_b30" in look.parts[1].reason


@pytest.fixture(scope="module", params=[("piab_b30",), ("robotiq_2f85", "piab_b30")])
def tab(request, alone, both):
    pytest.importorskip("viser", reason="needs viser: pip install 'antipodal[viewer]'")
    from antipodal.viewer.plan_tab import PlanTab
    from antipodal.viewer.server import make_server

    server = make_server(0, "antipodal")
    frames = [  # of a slab that jaws do not take, so that the list begins with grasps of the cup
        Frame("slab", render([SLAB])[0], CAMERA),
        Frame("empty table", np.full_like(DEPTH, 0.7), CAMERA),
    ]
    tab = PlanTab(server, alone if len(request.param) == 1 else both, frames)
    assert tab.worker.wait()
    yield tab
    tab.worker.end()
    server.stop()


def test_the_controls_are_those_of_the_hands(tab):
    shown = set(tab.controls.handles)
    assert {"radius", "tilt", "seed"} <= shown
    assert ("opening" in shown) == (len(tab.replanner.hands) > 1)
    assert tab.controls.settings() == replace(
        tab.replanner.start, columns=tab.controls.settings().columns, rows=tab.controls.settings().rows
    )


def test_the_page_draws_the_chosen_cup_and_another_frame_takes_it_away(tab):
    k = next(k for k, g in enumerate(tab.grasps) if g.kind == "suction")
    tab.choice.value = tab.choice.options[k]
    assert tab.worker.wait()
    assert {"cup", "body", "label"} <= set(tab.stage.nodes) and "palm" not in tab.stage.nodes
    assert "heights over the plane" in tab.crop.content and "Lip seen" in tab.why.content
    assert "on smooth surface" in tab.stages.content and "refinement" in tab.stages.content
    tab.slider.value = 1
    assert tab.worker.wait()
    assert "No grasp" in tab.verdict.content and "nothing stands above" in tab.verdict.content
    assert "cup" not in tab.stage.nodes and "cloud" in tab.stage.nodes
    tab.slider.value = 0
    assert tab.worker.wait()


def test_in_a_browser_the_cup_is_drawn_and_nothing_fails(tab, tmp_path, capfd):
    from antipodal.viewer.server import address
    from tests.viewer.test_page import dark, panel, screenshot

    k = next(k for k, g in enumerate(tab.grasps) if g.kind == "suction")
    tab.choice.value = tab.choice.options[k]
    assert tab.worker.wait()
    with chromium(tmp_path, 900, 600) as browser:
        browser.get(address(tab.server))
        wait_for(browser, lambda: "piab_b30" in panel(browser) and "Lip seen" in panel(browser))
        wait_for(browser, lambda: dark(screenshot(browser)) > 100)
        drawn = dark(screenshot(browser))
        tab.stage.choose(tab.look, None)
        wait_for(browser, lambda: dark(screenshot(browser)) < 0.5 * drawn)  # the cup was drawn, and is gone
        assert not [e for e in browser.get_log("browser") if "WebSocket" in e["message"]]
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_cup_is_not_measured_on_a_mesh():
    pytest.importorskip("viser", reason="needs viser: pip install 'antipodal[viewer]'")
    from antipodal.viewer.__main__ import _parser, serve

    with pytest.raises(InputError, match="--hand measures a gripper with jaws, and piab_b30"):
        serve(_parser().parse_args(["--hand", "hand.urdf", "--gripper", "piab_b30", "--port", "0"]))
