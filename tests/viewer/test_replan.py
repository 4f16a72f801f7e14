"""Plans of the page are the planner's, under the settings that the controls stand at."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render

from antipodal import resources
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner
from antipodal.viewer.explain import crop_picture, explain
from antipodal.viewer.frames import Frame
from antipodal.viewer.replan import ALL_INSIDE, GRASPS_INSIDE, Replanner

DEPTH, MASK = render([box((-0.06, 0.0), (0.10, 0.03, 0.05), 0.4), box((0.08, 0.03), (0.03, 0.04, 0.03))])
FRAME = Frame("boxes", DEPTH, CAMERA)


@pytest.fixture(scope="module")
def replanner():
    return Replanner(GraspPlanner.load(resources.find("models/default.pt"), device="cpu"))


def grasps(look):
    return [g.to_dict() for g in look.plan]


def test_at_the_start_the_plan_is_the_command_lines(replanner):
    planner = GraspPlanner.load(resources.find("models/default.pt"), device="cpu")
    look = replanner.look(FRAME, replanner.start)
    assert grasps(look) == [g.to_dict() for g in planner.plan(DEPTH, CAMERA, hints=SceneHints())]
    assert look.reason == "" and look.total_ms > 0


@pytest.mark.parametrize(
    "change, holds",
    [
        ({"opening": 0.05}, lambda look: all(g.width <= 0.05 for g in look.plan)),
        ({"friction": 0.3}, lambda look: look.options.sampling.friction == 0.3),
        ({"approach": "camera"}, lambda look: look.plan[0].T_cam_grasp[2, 2] == 1),
        ({"approach": "any"}, lambda look: look.counts["directions"] >= 20),
        (
            {"approach": "cone", "axis": (0.0, 2.0, 1.0), "angle": 30.0},
            lambda look: all(g.T_cam_grasp[:3, 2] @ [0, 2, 1] >= math.sqrt(5) * 0.866 for g in look.plan),
        ),
        (
            {"rectangle": GRASPS_INSIDE, "columns": (200, 320), "rows": (0, 240)},
            lambda look: all(g.center_px[0] >= 200 for g in look.plan),
        ),
        (
            {"rectangle": ALL_INSIDE, "columns": (200, 320), "rows": (80, 200)},
            lambda look: not look.trace.scene.graspable[:, :200].any() and look.trace.scene.graspable[100, 310],
        ),
        ({"seed": 5}, lambda look: True),
    ],
)
def test_a_setting_changes_the_plan(replanner, change, holds):
    before = replanner.look(FRAME, replanner.start)
    look = replanner.look(FRAME, replace(replanner.start, **change))
    assert look.plan is not None and holds(look)
    assert grasps(look) != grasps(before)
    assert grasps(replanner.look(FRAME, replanner.start)) == grasps(before)  # and nothing of it stays


def test_a_least_quality_drops_what_is_below_it(replanner):
    qualities = sorted(g.quality for g in replanner.look(FRAME, replanner.start).plan)
    least = (qualities[4] + qualities[5]) / 2
    look = replanner.look(FRAME, replace(replanner.start, min_quality=least))
    assert min(g.quality for g in look.plan) >= least and look.plan[0].quality == qualities[-1]


def test_limits_of_depth_and_wrong_values_are_reasons(replanner):
    far = replanner.look(FRAME, replace(replanner.start, depths=(5.0, 6.0)))
    assert far.plan is None and "no depth lies between" in far.reason
    shut = replanner.look(FRAME, replace(replanner.start, opening=0.0))
    assert shut.plan is None and "between 0 and 1 metre" in shut.reason
    low = replanner.look(FRAME, replace(replanner.start, table=0.04, below=0.02))
    assert low.trace.scene is not None  # what was seen is shown, whatever came of it


def test_the_steps_of_the_search_are_its_batches(replanner):
    look = replanner.look(FRAME, replanner.start)
    assert look.steps() == ["result", "pairs", "start", "iteration 1", "iteration 2"]
    assert len(look.shown("pairs")) == look.counts["pairs"]
    for k, step in enumerate(look.steps()[2:]):
        quality = look.shown(step).quality
        assert torch.equal(quality, quality.sort(descending=True).values)
        assert len(quality) + look.unfit(step) == len(look.trace.batches[k])
    first = look.in_camera(look.shown("result"))[: len(look.plan)]
    assert [g.to_dict() for g in first] == grasps(look)


@pytest.fixture(scope="module", params=["table", "any"])
def explained(request, replanner):
    return replanner.look(FRAME, replace(replanner.start, approach=request.param))


def test_the_explanation_states_what_the_plan_used(explained):
    look, shown = explained, explained.shown()
    facts = dict(explain(look, shown, 0))
    assert facts["P(success)"] == f"{look.plan[0].quality:.3f}"
    assert facts["Rank"].startswith("1 of ") and facts["Returned"].startswith("as number 1 of")
    alone, *lost = (float(n) for n in re.findall(r"(\d\.\d+)(?=;| log|,|$)", facts["Network alone"]))
    alone = min(alone, 0.9995)  # it is stated in three digits
    odds = math.log(alone / (1 - alone)) - sum(lost)
    assert len(lost) == (3 if look.settings.approach == "any" else 2)
    assert 1 / (1 + math.exp(-odds)) == pytest.approx(look.plan[0].quality, abs=0.01)  # the parts make the whole
    assert facts["Closes on"] == f"{1e3 * look.plan[0].object_width:.0f} mm"
    others = [dict(explain(look, shown, k))["Returned"] for k in range(len(look.plan), len(shown))]
    assert others and all(text.startswith("no: ") for text in others)


def test_every_direction_of_a_cone_is_shown_and_explained(replanner):
    look = replanner.look(FRAME, replace(replanner.start, approach="any"))
    assert len(look.searches()) >= 2 and look.steps()[-1] == "iteration 2"
    shown = look.shown()
    assert [g.to_dict() for g in look.in_camera(shown)][: len(look.plan)] == grasps(look)
    assert {int(v) for v in shown.view} >= {0, 1}
    for k, grasp in enumerate(look.in_camera(shown)):
        degrees = math.degrees(math.acos(min(1.0, grasp.T_cam_grasp[2, 2])))
        assert f"{degrees:.0f} off the camera's axis" in dict(explain(look, shown, k))["Approach"]
        assert (crop_picture(look, shown[k : k + 1]) == (226, 60, 50)).all(axis=2).any()
    for step in look.steps()[1:]:
        assert len(look.in_camera(look.shown(step))) == len(look.shown(step)) > 0
    last = [dict(explain(look, shown, k))["Network alone"] for k, v in enumerate(shown.view) if v == shown.view.max()]
    assert last and all(text.endswith("what may be hidden cost 6% of P") for text in last)  # the plan without a cone


def test_an_axis_without_a_direction_is_a_reason(replanner):
    look = replanner.look(FRAME, replace(replanner.start, approach="cone", axis=(0.0, 0.0, 0.0), angle=10.0))
    assert look.plan is None and "has no direction" in look.reason


def test_the_crop_is_shown_with_the_jaws(replanner):
    look = replanner.look(FRAME, replanner.start)
    one = look.shown()[:1]
    picture = crop_picture(look, one)
    red = (picture == (226, 60, 50)).all(axis=2)
    assert red.any() and not red[:, picture.shape[1] // 2].any()  # beside the middle, where the object is
    crop = look.trace.score.crops(look.trace.stages.view, one)[0, 0].numpy()
    grey = picture[5::10, 5::10, 0][16, 8:24]  # of the middle row, between the jaws
    assert np.corrcoef(grey, -np.clip(crop[16, 8:24], -0.5, 0.5))[0, 1] > 0.99
