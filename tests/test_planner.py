import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import CAMERA, HEIGHT, OVERHEAD, box, overhead, render

from antipodal import backends, networks, resources, transforms
from antipodal.camera import Camera
from antipodal.errors import InputError, ModelError, NoGraspFound
from antipodal.grasp import Gripper
from antipodal.grasping.antipodal_pairs import SamplingOptions
from antipodal.grasping.view_grasps import ViewGrasps, decode, encode, to_camera, to_view
from antipodal.networks.flatness import Flatness
from antipodal.perception.fusion import CameraView
from antipodal.perception.hints import SceneHints
from antipodal.perception.table import TableOptions
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.planning.cem import CEMOptions
from antipodal.planning.cuda_graph import GpuPlanner
from antipodal.planning.ranking import centered_in, tips_in_image
from antipodal.planning.request import Request
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner
from tests.perception.test_view import view_of


class PrefersMiddle(torch.nn.Module):
    """Stands for a trained network: likes an object that fills the middle of the crop on both sides alike."""

    def forward(self, crops, conditions):
        solid = (crops[:, 0] < -0.02).float()
        x = torch.linspace(-1, 1, solid.shape[-1])
        off = (solid * x).sum((1, 2)) ** 2 + (solid * x[:, None]).sum((1, 2)) ** 2
        return 3 - 10 * off / solid.sum((1, 2)).clamp_min(1) ** 2 - (solid[:, 16].sum(-1) / 16)


PLANNER = GraspPlanner(PrefersMiddle())
BAR = box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)


def in_table(grasp, T_cam_table):
    return transforms.invert(T_cam_table) @ grasp.T_cam_grasp


@pytest.mark.parametrize("tilt", [0.0, 0.25, -0.35])
@pytest.mark.parametrize("masked", [True, False])
def test_the_best_grasp_straddles_the_bar_across_its_short_side(tilt, masked):
    T_cam_table = overhead(tilt)
    depth, mask = render([BAR], T_cam_table=T_cam_table)
    grasp = PLANNER.plan(depth, CAMERA, mask if masked else None)[0]
    T = in_table(grasp, T_cam_table)
    np.testing.assert_allclose(T[:3, 2], [0, 0, -1], atol=0.01)  # straight down onto the table, whatever the tilt
    T_bar_grasp = transforms.invert(BAR[0]) @ T
    assert abs(T_bar_grasp[1, 1]) > 0.9  # closing axis along the bar's short side
    assert abs(T_bar_grasp[1, 3]) < 0.02 and abs(T_bar_grasp[0, 3]) < 0.05
    assert 0.001 < T[2, 3] < 0.035  # between table and top


def test_a_grasp_is_consistent_with_its_own_projection():
    depth, mask = render([BAR])
    for grasp in PLANNER.plan(depth, CAMERA, mask):
        R = grasp.T_cam_grasp[:3, :3]
        np.testing.assert_allclose(R.T @ R, np.eye(3), atol=1e-6)
        assert np.linalg.det(R) == pytest.approx(1)
        np.testing.assert_allclose(grasp.center_px, CAMERA.project(grasp.T_cam_grasp[:3, 3]), atol=1e-3)
        assert grasp.depth == pytest.approx(grasp.T_cam_grasp[2, 3])
        assert -math.pi / 2 <= grasp.angle < math.pi / 2
        assert math.tan(grasp.angle) == pytest.approx(R[1, 1] / R[0, 1], rel=0.05, abs=0.02)
        assert 0 <= grasp.quality <= 1 and 0 < grasp.width <= 0.085


def test_grasps_come_best_first_and_differ():
    depth, mask = render([BAR])
    plan = PLANNER.plan(depth, CAMERA, mask, max_grasps=5)
    qualities = [g.quality for g in plan]
    assert 1 < len(plan) <= 5 and qualities == sorted(qualities, reverse=True)
    assert qualities[0] >= max(g.quality for g in plan.candidates)
    options = PLANNER.options
    for i, a in enumerate(plan):
        for b in plan[:i]:
            apart = np.linalg.norm(a.T_cam_grasp[:3, 3] - b.T_cam_grasp[:3, 3]) >= options.distinct_distance - 1e-6
            turned = abs((a.angle - b.angle + np.pi / 2) % np.pi - np.pi / 2) >= 0.9 * options.distinct_angle
            assert apart or turned


def test_same_seed_same_plan():
    depth, mask = render([BAR])
    a, b, c = (PLANNER.plan(depth, CAMERA, mask, seed=s) for s in (1, np.int64(1), 2))
    assert all(np.array_equal(x.T_cam_grasp, y.T_cam_grasp) for x, y in zip(a, b))
    assert not np.array_equal(a[0].T_cam_grasp, c[0].T_cam_grasp)


def test_only_the_masked_object_is_grasped():
    other = box((-0.08, -0.02), (0.08, 0.03, 0.04))
    depth, _ = render([BAR, other])
    _, mask = render([other])
    for grasp in PLANNER.plan(depth, CAMERA, mask):
        assert in_table(grasp, OVERHEAD)[0, 3] < -0.03


def test_the_gripper_never_meets_what_was_seen():
    """Jaws as boxes at their planned place against the true boxes, from above down to the grasp."""
    boxes = [BAR, box((-0.05, 0.03), (0.05, 0.05, 0.06), 0.9), box((0.04, -0.05), (0.09, 0.03, 0.02), 0.2)]
    depth, _ = render(boxes)
    gripper = PLANNER.gripper
    across, along = np.meshgrid(np.linspace(-0.5, 0.5, 12) * gripper.jaw_width, np.linspace(0, 1, 8))
    for grasp in PLANNER.plan(depth, CAMERA):
        T = in_table(grasp, OVERHEAD)
        assert T[2, 3] - gripper.tip > 0
        for side in (-1, 1):
            y = side * (grasp.width / 2 + along.ravel() * gripper.jaw_thickness)
            foot = transforms.apply(T, np.column_stack([across.ravel(), y, np.full(y.shape, gripper.tip)]))
            for T_table_box, half in boxes:
                local = transforms.apply(transforms.invert(T_table_box), foot)
                over = np.all(np.abs(local[:, :2]) < half[:2], axis=1)
                assert not np.any(over & (local[:, 2] < half[2]))


def test_the_angle_has_no_seam():
    angle = torch.linspace(-math.pi, math.pi, 50)
    grasps = ViewGrasps(torch.rand(50, 3), angle, torch.full((50,), 0.05))
    back = decode(encode(grasps, Gripper()), Gripper())
    torch.testing.assert_close(back.center, grasps.center)
    assert torch.sin(back.angle - angle).abs().max() < 1e-5  # equal up to a half turn
    ends = encode(ViewGrasps(torch.zeros(2, 3), torch.tensor([-math.pi / 2, math.pi / 2]), torch.ones(2)), Gripper())
    torch.testing.assert_close(ends[0], ends[1], atol=1e-6, rtol=0)


def test_every_empty_stage_says_so_with_counts():
    bare, _ = render([])
    with pytest.raises(NoGraspFound, match="0 graspable pixels"):
        PLANNER.plan(bare, CAMERA)
    with pytest.raises(NoGraspFound, match=r"edge cells, 0 antipodal pairs \(friction 0\.8, width 0\.085 m\)"):
        PLANNER.plan(bare, CAMERA, np.ones(bare.shape, bool))
    depth, mask = render([box((0, 0), (0.09, 0.083, 0.05))])  # fits between the pads but leaves no room for the jaws
    with pytest.raises(NoGraspFound, match=r"0 where the gripper clears") as caught:
        PLANNER.plan(depth, CAMERA, mask)
    assert caught.value.counts["pairs"] > 0 and caught.value.counts["fitting"] == 0


def test_a_gripper_wider_than_the_scene_is_refused():
    depth, mask = render([BAR])
    wide = GraspPlanner(PrefersMiddle(), Gripper(max_width=0.9, name="arms"))
    with pytest.raises(InputError, match=r"gripper arms is 0\.47 m wide on approach, but the image shows only 0\.42"):
        wide.plan(depth, CAMERA, mask)


def test_what_is_nearer_than_asked_for_makes_no_gripper_too_wide():
    depth, mask = render([BAR])
    depth[:, :200] = np.where(mask[:, :200], depth[:, :200], 0.06)  # something hangs before most of the camera
    with pytest.raises(InputError, match="wide on approach"):
        PLANNER.plan(depth, CAMERA, mask)
    assert PLANNER.plan(depth, CAMERA, mask, hints=SceneHints(nearest=0.3))


def test_nothing_in_the_workspace_is_told_from_nothing_on_the_table():
    depth, mask = render([BAR])
    for given in (None, mask):
        with pytest.raises(NoGraspFound, match=r"these were dropped: \d+ pixels outside the workspace"):
            PLANNER.plan(depth, CAMERA, given, hints=SceneHints(workspace=(-9, -9, 0, -8, -8, 9)))
        with pytest.raises(NoGraspFound, match=r"these were dropped: \d+ pixels of the robot"):
            PLANNER.plan(depth, CAMERA, given, hints=SceneHints(robot=np.ones_like(mask)))


@pytest.mark.parametrize(
    "given, complaint",
    [
        ({"hints": {"up": (0, 0, -1)}}, "hints must be SceneHints, got {'up'"),
        ({"trace": True}, "trace must be Trace, got True"),
        ({"targets": 5}, "targets 5 are labels, but no label image was given"),
        (
            {"avoid": [replace(PLANNER.plan(render([BAR])[0], CAMERA)[0], T_cam_grasp=np.eye(3))]},
            r"poses of avoid must be rigid transforms \(4, 4\)",
        ),
        ({"start": [replace(PLANNER.plan(render([BAR])[0], CAMERA)[0], T_cam_grasp=np.full((4, 4), np.nan))]}, "rigid"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_arguments_of_other_kinds_are_refused(given, complaint):
    depth, _ = render([BAR])
    with pytest.raises(InputError, match=complaint):
        PLANNER.plan(depth, CAMERA, **given)
    if "targets" not in given:
        with pytest.raises(InputError, match=complaint):
            PLANNER.plan_views([(depth, CAMERA, np.eye(4))], **given)


@pytest.mark.parametrize("wrong", ["text", 1.5, [1, 2], np.zeros((2, 2)), object()], ids=lambda v: type(v).__name__)
def test_what_makes_no_planner_is_refused(wrong):
    model, cup = resources.find("models/default.pt"), SuctionCup.load("piab_b30")
    makers = [
        lambda: GraspPlanner(PrefersMiddle(), gripper=wrong),
        lambda: GraspPlanner(PrefersMiddle(), options=wrong),
        lambda: GraspPlanner.load(model, device=wrong),
        lambda: GraspPlanner.load(model, options=wrong, device="cpu"),
        lambda: GraspPlanner.load(wrong, device="cpu"),
        lambda: SuctionPlanner(Flatness(), wrong),
        lambda: SuctionPlanner(Flatness(), cup, wrong),
        lambda: PlannerOptions(cem=wrong),
        lambda: PlannerOptions(policy=wrong),
        lambda: Camera.load(wrong),
        lambda: Gripper.load(wrong),
        lambda: SuctionCup.load(wrong),
    ]
    for make in makers:
        with pytest.raises((InputError, ModelError)):
            make()


def test_constant_depth_is_a_bare_table():
    with pytest.raises(NoGraspFound, match="nothing stands above the table"):
        PLANNER.plan(np.full((240, 320), 0.7, np.float32), CAMERA)


@pytest.mark.parametrize("gripper, fits", [(Gripper(), True), (Gripper(max_width=0.99, jaw_thickness=0.3), False)])
def test_warming_up_plans_where_the_gripper_fits(gripper, fits):
    called = []
    GraspPlanner(lambda *inputs: called.append(1) or PrefersMiddle()(*inputs), gripper).warm_up()
    assert bool(called) == fits


def test_no_more_candidates_go_on_than_asked_for():
    depth, mask = render([BAR])
    few = GraspPlanner(PrefersMiddle(), options=PlannerOptions(candidates=5, depths=3, cem=CEMOptions(iterations=0)))
    plan = few.plan(depth, CAMERA, mask)
    assert plan.counts["fitting"] > 5 and plan.counts["scored"] == 15


def test_impossible_count_is_refused():
    depth, mask = render([BAR])
    with pytest.raises(InputError, match="max_grasps"):
        PLANNER.plan(depth, CAMERA, mask, max_grasps=0)


def test_without_a_table_the_approach_is_the_cameras_axis():
    depth, mask = render([BAR], T_cam_table=overhead(0.2))
    along = GraspPlanner(PrefersMiddle(), options=PlannerOptions(approach="camera"))
    np.testing.assert_allclose(along.plan(depth, CAMERA, mask)[0].T_cam_grasp[:3, 2], [0, 0, 1], atol=1e-6)
    no_table = GraspPlanner(PrefersMiddle(), options=PlannerOptions(table=TableOptions(min_share=2.0)))
    np.testing.assert_allclose(no_table.plan(depth, CAMERA, mask)[0].T_cam_grasp[:3, 2], [0, 0, 1], atol=1e-6)


def test_input_arrays_are_left_as_they_were():
    depth, mask = render([BAR])
    before = depth.copy(), mask.copy()
    PLANNER.plan(depth, CAMERA, mask)
    assert np.array_equal(depth, before[0]) and np.array_equal(mask, before[1])
    assert HEIGHT == pytest.approx(depth.max(), abs=1e-6)


def test_without_the_compiled_kernels_the_plan_is_the_same(monkeypatch):
    """What runs on a GPU, the kernels' torch twins, here on the CPU."""
    depth, mask = render([BAR])
    compiled = PLANNER.plan(depth, CAMERA, mask)
    monkeypatch.setattr(backends, "uses_numba", lambda tensor: False)
    plain = PLANNER.plan(depth, CAMERA, mask)
    assert plain.counts["pairs"] == compiled.counts["pairs"] and len(plain) == len(compiled)
    np.testing.assert_allclose(plain[0].T_cam_grasp, compiled[0].T_cam_grasp, atol=2e-3)
    assert plain[0].quality == pytest.approx(compiled[0].quality, abs=1e-3)


def test_a_plan_goes_on_from_an_earlier_one():
    """A search too short to find much keeps the good grasps that it is handed, and moves them with the bar's height."""
    depth, mask = render([BAR])
    good = PLANNER.plan(depth, CAMERA, mask)
    short = PlannerOptions(sampling=SamplingOptions(pairs=2), cem=CEMOptions(iterations=0))
    hasty = GraspPlanner(PrefersMiddle(), options=short)
    alone, warm = hasty.plan(depth, CAMERA, mask), hasty.plan(depth, CAMERA, mask, start=good)
    assert warm.counts["scored"] == alone.counts["scored"] + len(good)
    assert warm[0].quality == pytest.approx(max(good[0].quality, alone[0].quality), abs=1e-5)
    lower, mask = render([box((0.03, 0.02), (0.10, 0.03, 0.03), 0.4)])
    T = in_table(hasty.plan(lower, CAMERA, mask, start=good)[0], OVERHEAD)
    assert T[2, 3] < 0.03 - PLANNER.options.clearance.reach_share * 0.03 + 1e-3


def test_an_earlier_grasp_that_is_off_the_mask_is_not_planned():
    depth, _ = render([LEFT, RIGHT])
    _, left = render([LEFT])
    _, right = render([RIGHT])
    for grasp in PLANNER.plan(depth, CAMERA, left, start=PLANNER.plan(depth, CAMERA, right)):
        assert in_table(grasp, OVERHEAD)[0, 3] < 0


@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_grasps_of_a_view_and_of_the_camera_are_inverse(tilt):
    view = view_of([BAR], overhead(tilt))
    grasps = ViewGrasps(torch.rand(20, 3), 3 * torch.rand(20) - 1.5, 0.08 * torch.rand(20), torch.rand(20))
    back = to_view(to_camera(grasps, view.T_cam_view, CAMERA), view)
    torch.testing.assert_close(back.center, grasps.center, atol=1e-6, rtol=0)
    torch.testing.assert_close(back.angle, grasps.angle, atol=1e-5, rtol=0)
    torch.testing.assert_close(back.width, grasps.width, atol=1e-6, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_a_plan_is_as_good():
    depth, mask = render([BAR])
    on_gpu = GraspPlanner(PrefersMiddle().cuda(), device="cuda").plan(depth, CAMERA, mask)
    assert on_gpu[0].quality == pytest.approx(PLANNER.plan(depth, CAMERA, mask)[0].quality, abs=0.05)


LEFT, RIGHT = box((-0.12, 0.05), (0.1, 0.03, 0.06)), box((0.11, -0.05), (0.1, 0.04, 0.06))


@pytest.mark.parametrize("region", [(240, 0, 80, 240), (0, 0, 60, 240), (0, 140, 320, 100)])
@pytest.mark.parametrize("masked", [True, False])
def test_grasps_are_centred_in_the_region(region, masked):
    depth, mask = render([LEFT, RIGHT])
    u0, v0, width, height = region
    plan = PLANNER.plan(depth, CAMERA, mask if masked else None, region=region)
    for grasp in plan:
        assert u0 <= grasp.center_px[0] < u0 + width and v0 <= grasp.center_px[1] < v0 + height


def test_a_region_of_bare_table_holds_no_grasp():
    depth, _ = render([LEFT, RIGHT])
    with pytest.raises(NoGraspFound, match=r"0 of \d{4} graspable pixels lie in the region") as caught:
        PLANNER.plan(depth, CAMERA, region=(0, 200, 320, 40))
    assert caught.value.counts["pixels"] == 0


def test_a_plan_of_the_device_is_ranked_and_refused_as_one_of_the_host():
    """What a planner on a GPU does, its graph replaced by the same functions on the CPU."""
    on_gpu = GraspPlanner(PLANNER.network)
    on_gpu.gpu_planner = GpuPlanner(on_gpu.network, on_gpu.gripper, on_gpu.options, torch.device("cpu"))
    depth, mask = render([LEFT, RIGHT])
    plan, expected = (p.plan(depth, CAMERA, region=(240, 0, 80, 240)) for p in (on_gpu, PLANNER))
    assert plan[0].quality == pytest.approx(expected[0].quality, abs=0.05) and set(plan.counts) == set(expected.counts)
    assert all(g.center_px[0] >= 240 for g in plan) and set(plan.times_ms) == {"table", "device", "ranking"}
    for refused in ({"region": (0, 200, 320, 40)}, {"mask": np.ones_like(mask), "depth": render([])[0]}):
        reasons = []
        for planner in (on_gpu, PLANNER):
            with pytest.raises(NoGraspFound) as caught:
                planner.plan(**{"depth": depth, "camera": CAMERA, **refused})
            reasons.append(caught.value)
        assert re.sub(r"\d+", "", str(reasons[0])) == re.sub(r"\d+", "", str(reasons[1]))
        assert set(reasons[0].counts) >= set(reasons[1].counts)


def test_the_robots_mask_is_an_obstacle_and_no_target():
    depth, _ = render([LEFT, RIGHT])
    _, robot = render([LEFT])
    plan = PLANNER.plan(depth, CAMERA, hints=SceneHints(robot=robot.astype(np.uint8) * 255))
    assert all(in_table(g, OVERHEAD)[0, 3] > 0 for g in plan)
    np.testing.assert_array_equal(plan.scene.depth, depth)  # jaws keep clear of it
    with pytest.raises(InputError, match="robot must have the depth image's shape"):
        PLANNER.plan(depth, CAMERA, hints=SceneHints(robot=robot[1:]))


def test_the_reason_tells_what_was_dropped():
    bare, _ = render([])
    with pytest.raises(NoGraspFound, match="nothing stands above the table: 0 graspable pixels"):
        PLANNER.plan(bare, CAMERA)
    arm, _ = render([box((0.15, 0), (0.4, 0.05, 0.2))])
    with pytest.raises(NoGraspFound, match=r"dropped: 1 that come in from beyond the image") as caught:
        PLANNER.plan(arm, CAMERA)
    assert caught.value.counts["entering"] == 1


def test_a_given_table_is_taken_as_it_is():
    depth, _ = render([LEFT])
    plan = PLANNER.plan(depth, CAMERA, hints=SceneHints(table=(0, 0, 1, HEIGHT - 0.02)))
    assert plan.scene.support.offset == pytest.approx(HEIGHT - 0.02)
    assert max(in_table(g, OVERHEAD)[2, 3] for g in plan) < 0.06
    assert min(in_table(g, OVERHEAD)[2, 3] for g in plan) > 0.02


def test_unlikely_grasps_are_kept_back_and_the_reason_names_the_best():
    depth, mask = render([LEFT, RIGHT])
    every = PLANNER.plan(depth, CAMERA, mask)
    least = (every[0].quality + every[-1].quality) / 2
    likely = GraspPlanner(PLANNER.network, options=PlannerOptions(min_quality=least)).plan(depth, CAMERA, mask)
    assert 0 < len(likely) < len(every) and all(g.quality >= least for g in likely)
    assert likely[0].quality == every[0].quality
    picky = GraspPlanner(PLANNER.network, options=PlannerOptions(min_quality=min(0.9999, every[0].quality + 1e-4)))
    with pytest.raises(NoGraspFound, match=rf"probability of {every[0].quality:.2f}, below min_quality"):
        picky.plan(depth, CAMERA, mask)
    with pytest.raises(InputError, match="min_quality is a probability"):
        PlannerOptions(min_quality=1.5)


def test_a_search_may_start_at_the_peaks_of_a_dense_scan(tmp_path):
    torch.manual_seed(0)
    dense = networks.GraspNetwork("dense", channels=8, hidden=8)
    networks.save(tmp_path / "default.pt", networks.GraspNetwork("patch", channels=8), {})
    options = PlannerOptions(policy="dense")
    with pytest.raises(ModelError, match=r"dense\.pt"):
        GraspPlanner.load(tmp_path / "default.pt", device="cpu", options=options)
    networks.save(tmp_path / "dense.pt", networks.GraspNetwork("patch", channels=8), {})
    with pytest.raises(ModelError, match="architecture patch"):
        GraspPlanner.load(tmp_path / "default.pt", device="cpu", options=options)
    networks.save(tmp_path / "dense.pt", dense, {})
    loaded = GraspPlanner.load(tmp_path / "default.pt", device="cpu", options=options)
    planner = GraspPlanner(PrefersMiddle(), options=options, dense=loaded.dense)
    depth, mask = render([BAR])
    plan = planner.plan(depth, CAMERA, mask)
    assert plan.counts["scanned"] > 1000 and "edges" not in plan.counts
    T_bar_grasp = transforms.invert(BAR[0]) @ in_table(plan[0], OVERHEAD)
    assert abs(T_bar_grasp[1, 1]) > 0.9  # an untrained scan only spreads the starts: the search finds the short side
    assert [g.quality for g in planner.plan(depth, CAMERA, mask)] == [g.quality for g in plan]


def test_a_policy_is_known_and_a_dense_one_has_its_network():
    with pytest.raises(InputError, match="'sample' or 'dense'"):
        PlannerOptions(policy="greedy")
    with pytest.raises(ModelError, match="policy 'dense' needs"):
        GraspPlanner(PrefersMiddle(), options=PlannerOptions(policy="dense"))


def test_a_grasp_that_appears_outside_the_image_is_not_returned():
    """Below a surface near the border it may: the origin is deeper than what is seen there."""
    grasps = ViewGrasps(torch.tensor([[0.0, 0.0, 0.7], [0.3, 0.0, 0.7]]), torch.zeros(2), torch.full((2,), 0.05))
    kept = centered_in(None, grasps, np.eye(4), CAMERA, {})
    assert len(kept) == 1 and kept.center[0, 0] == 0
    with pytest.raises(NoGraspFound, match="0 of 1 feasible grasps are centred in the image"):
        centered_in(None, grasps[1:], np.eye(4), CAMERA, {})


def sight(camera, T_first_cam=np.eye(4)):
    """A camera that sees something everywhere."""
    everywhere = np.ones((camera.height, camera.width), np.float32)
    return CameraView(everywhere, everywhere > 0, camera, T_first_cam)


def test_a_grasp_whose_tip_closes_outside_the_image_is_not_returned():
    """What stands there was not seen, and the object may be part of something larger."""
    edge = (CAMERA.width - 1 - CAMERA.cx) / CAMERA.fx * 0.7
    center = torch.tensor([[edge - 0.03, 0.0, 0.7], [edge - 0.02, 0.0, 0.7], [edge - 0.02, 0.0, 0.7]])
    grasps = ViewGrasps(center, torch.tensor([0.0, 0.0, np.pi / 2]), torch.full((3,), 0.05))
    kept = tips_in_image(grasps, np.eye(4), [sight(CAMERA)], Gripper(), {})
    np.testing.assert_allclose(kept.angle, [0, np.pi / 2], atol=1e-6)
    with pytest.raises(NoGraspFound, match="0 of 1 feasible grasps have both tips in the image"):
        tips_in_image(grasps[1:2], np.eye(4), [sight(CAMERA)], Gripper(), {})
    turned = np.diag([-1.0, 1.0, -1.0, 1.0])  # another camera sees from the other side
    turned[2, 3] = 1.4
    both = [sight(CAMERA), sight(CAMERA, turned)]
    assert len(tips_in_image(grasps, np.eye(4), both, Gripper(), {})) == 2
    wide = Camera(CAMERA.fx, CAMERA.fy, CAMERA.cx + 50, CAMERA.cy, CAMERA.width + 100, CAMERA.height)
    assert len(tips_in_image(grasps, np.eye(4), [both[0], sight(wide, turned)], Gripper(), {})) == 3


def test_a_tip_is_seen_as_high_as_what_it_closes_on():
    """At the border the image shows less far out of a high surface than of a low one."""
    ends = [(CAMERA.width - 1 - CAMERA.cx) / CAMERA.fx * z for z in (0.64, 0.7)]
    center = torch.tensor([[end - 0.026, 0.0, 0.7] for end in ends])
    grasps = ViewGrasps(center, torch.zeros(2), torch.full((2,), 0.05))
    low, high = (CameraView(np.full(sight(CAMERA).depth.shape, z), None, CAMERA, np.eye(4)) for z in (0.71, 0.64))
    assert len(tips_in_image(grasps, np.eye(4), [low], Gripper(), {})) == 2
    kept = tips_in_image(grasps, np.eye(4), [high], Gripper(), {})
    assert len(kept) == 1 and torch.equal(kept.center, center[:1])
    turned = replace(grasps, center=center + torch.tensor([0.02, 0, 0]), angle=torch.full((2,), np.pi / 2))
    assert len(tips_in_image(turned, np.eye(4), [high], Gripper(jaw_width=0.01), {})) == 1
    with pytest.raises(NoGraspFound):  # half of each jaw's width is not seen
        tips_in_image(turned, np.eye(4), [high], Gripper(jaw_width=0.022), {})


@pytest.mark.parametrize("seed", range(8))
def test_no_tip_closes_in_the_rest_of_a_box_that_the_image_cuts(seed):
    """Too wide to be held, it looks narrow where the image ends."""
    rng, camera = np.random.default_rng(seed), Camera(525.0, 525.0, 319.5, 239.5, 640, 480)
    tilted, size = overhead(rng.uniform(-0.4, 0.4)), rng.uniform([0.1, 0.1, 0.04], [0.2, 0.2, 0.12])
    edge, side = camera.cy / camera.fy * (0.7 - size[2]), rng.choice([-1, 1])  # where the image of its top ends
    middle = side * (edge + size[1] / 2 - rng.uniform(0.03, 0.08))
    T_table_box, half = cut = box((rng.uniform(-0.1, 0.1), middle), size, rng.uniform(-0.3, 0.3))
    depth, _ = render([cut], camera, tilted)
    try:
        plan = GraspPlanner.load("models/default.pt", device="cpu").plan(depth, camera, seed=seed)
    except NoGraspFound:
        return
    T_box_cam = transforms.invert(tilted @ T_table_box)
    for grasp in plan:
        ends = np.array([[0, -grasp.width / 2 - 0.005, 0], [0, grasp.width / 2 + 0.005, 0]])
        ends = transforms.apply(T_box_cam @ grasp.T_cam_grasp, ends)
        assert (np.abs(ends) > half).any(axis=1).all()


@pytest.mark.parametrize("approach", ["table", "any"])
def test_no_tip_closes_in_a_strip_without_depth_along_the_border(approach):
    """Registration to a colour camera leaves one; what stands there was not seen."""
    strip = round(0.06 * CAMERA.width)
    left = (strip - CAMERA.cx) / CAMERA.fx * 0.7
    depth, _ = render([box((left + 0.02, 0.0), (0.05, 0.05, 0.08))])
    planner = GraspPlanner.load("models/default.pt", device="cpu")

    def in_strip(depth):
        plan = planner.plan(depth, CAMERA, max_grasps=30, approach=approach)
        ends = [g.T_cam_grasp[:3, 3] + side * g.width / 2 * g.T_cam_grasp[:3, 1] for g in plan for side in (-1, 1)]
        return int((CAMERA.project(np.array(ends))[:, 0] < strip - 1).sum())

    assert in_strip(depth) > 0
    depth[:, :strip] = 0
    assert in_strip(depth) == 0


@pytest.mark.parametrize("u, kept", [(158.6, False), (159.1, True), (200.4, True), (200.6, False)])
def test_a_grasp_lies_in_a_region_by_its_nearest_pixel_too(u, kept):
    """Whole numbers are the middles of pixels: at 200.6 the image shows a pixel that is not in the region."""
    window = np.zeros((CAMERA.height, CAMERA.width), bool)
    window[:, 159:201] = True
    x = torch.tensor([u, 180.0]) - CAMERA.cx
    center = torch.stack([x / CAMERA.fx * 0.7, torch.zeros(2), torch.full((2,), 0.7)], dim=-1)
    grasps = ViewGrasps(center, torch.zeros(2), torch.full((2,), 0.05))
    assert len(centered_in(window, grasps, np.eye(4), CAMERA, {})) == 1 + kept


def test_a_wall_beside_the_image_gives_no_grasp_outside_it():
    gripper = Gripper.load(resources.find("config/grippers/wsg50.yaml"))
    planner = GraspPlanner.load(resources.find("models/default.pt"), gripper, "cpu")
    rng = np.random.default_rng(0)
    for k in range(10):
        x = 0.2 + 0.02 * rng.random()
        depth, mask = render([box((x, rng.uniform(-0.05, 0.05)), (0.03, 0.2, rng.uniform(0.05, 0.2)))])
        try:
            plan = planner.plan(depth, CAMERA, mask, seed=k)
        except NoGraspFound:
            continue
        for grasp in [*plan, *plan.candidates]:
            u, v = grasp.center_px
            assert 0 <= u <= CAMERA.width - 1 and 0 <= v <= CAMERA.height - 1


def test_the_opening_suits_the_object_when_asked():
    depth, _ = render([box((0.0, 0.0), (0.03, 0.07, 0.05), 0.3)])
    wide, snug = (GraspPlanner(PLANNER.network, options=PlannerOptions(opening=o)) for o in ("widest", "object"))
    across = [g for g in snug.plan(depth, CAMERA) if g.object_width < 0.04]
    assert across and all(g.object_width < g.width < g.object_width + 0.035 for g in across)
    assert all(g.width == Gripper().max_width for g in wide.plan(depth, CAMERA))
    with pytest.raises(InputError, match="opening must be 'widest' or 'object', got 'tight'"):
        PlannerOptions(opening="tight")


def test_where_nothing_snug_fits_the_widest_that_does_is_taken():
    boxes = [box((x, 0.0), (0.03, 0.06, 0.06)) for x in (-0.05, 0.0, 0.05)]  # 20 mm between them: jaws of 10 mm
    depth, _ = render(boxes)
    mask = render([boxes[1]])[1]
    snug = GraspPlanner(PLANNER.network, options=PlannerOptions(opening="object")).plan(depth, CAMERA, mask)
    assert any(abs(g.angle) < 0.3 and g.width < 0.06 for g in snug)


def test_the_opening_suits_the_object_on_a_gpu_too():
    depth, mask = render([box((0.0, 0.0), (0.03, 0.07, 0.05), 0.3)])
    graph = GpuPlanner(PLANNER.network, Gripper(), PlannerOptions(opening="object"), torch.device("cpu"))
    (reply,) = graph.plan([Request(depth, mask, np.array([0.0, 0.0, 1.0]), HEIGHT)], CAMERA)
    across = reply.grasps[reply.grasps.object_width < 0.04]
    assert len(across) and (across.width > across.object_width).all()
    assert (across.width < across.object_width + 0.035).all()


@pytest.mark.parametrize(
    "region", [(0, 0, 10), (1, 2, 3, 4, 5), "abcd", (0.5, 0, 100, 100), (0, 0, "a", 3), 5, (None,) * 4, (True, 0, 9, 9)]
)
def test_what_is_no_region_is_refused(region):
    depth, _ = render([LEFT])
    with pytest.raises(InputError, match="region must be four whole numbers"):
        PLANNER.plan(depth, CAMERA, region=region)


@pytest.mark.parametrize("count", [0, -1, "3", 2.5, None])
def test_a_number_of_grasps_is_whole_and_positive(count):
    depth, _ = render([LEFT])
    with pytest.raises(InputError, match="max_grasps must be a whole number of at least 1"):
        PLANNER.plan(depth, CAMERA, max_grasps=count)
