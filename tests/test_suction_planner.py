"""Suction grasps of scenes with known answers, scored by hand or by a network of a file."""

import pickle

import numpy as np
import pytest
import torch
from scenes import CAMERA, HEIGHT, OVERHEAD, box, overhead, render

from antipodal import networks, transforms
from antipodal.errors import InputError, ModelError, NoGraspFound
from antipodal.grasping.suction_points import SuctionPointOptions
from antipodal.networks.flatness import Flatness
from antipodal.networks.suction_crops import suction_crop_definition
from antipodal.perception.hints import SceneHints
from antipodal.planning.approach_cone import ApproachCone
from antipodal.planning.suction_options import SuctionOptions
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner
from tests.inputs import TOUCHING, labels_of, points_of, view_of_boxes

CUP = SuctionCup("cup", 0.010, 0.030, 0.006, 300.0, 12.0, 0.5, (0.05, 0.05, 0.1))
BOXES = [box((-0.06, 0.0), (0.06, 0.06, 0.05), 0.3), box((0.06, 0.03), (0.08, 0.05, 0.03), 1.0)]


def planner(cup=CUP, **options):
    return SuctionPlanner(Flatness(), cup, SuctionOptions(**options))


def in_table(plan, T=OVERHEAD):
    """Contacts (N, 3) and approaches (N, 3) in the table's frame."""
    poses = transforms.invert(T) @ np.stack([g.T_cam_grasp for g in plan])
    return poses[:, :3, 3], poses[:, :3, 2]


@pytest.mark.parametrize("tilt", [0.0, 0.35])
def test_tops_of_boxes_are_held_along_their_normals(tilt):
    T = overhead(tilt)
    plan = planner(approach="table").plan(render(BOXES, T_cam_table=T)[0], CAMERA)
    contact, approach = in_table(plan, T)
    assert len(plan) >= 4 and all(g.kind == "suction" and g.hand == "cup" and g.width == 0 for g in plan)
    near_top = np.minimum(np.abs(contact[:, 2] - 0.05), np.abs(contact[:, 2] - 0.03))
    assert near_top.max() < 0.002 and approach[:, 2].max() < -0.98
    assert plan[0].quality > 0.8 and [g.quality for g in plan] == sorted((g.quality for g in plan), reverse=True)


def test_the_lip_lies_on_the_top_not_over_its_rim():
    contact, _ = in_table(planner().plan(render([box((0, 0), (0.05, 0.05, 0.04))])[0], CAMERA, max_grasps=3))
    assert np.abs(contact[:, :2]).max() < 0.025 - 0.6 * CUP.radius


def test_a_thin_card_that_jaws_cannot_take_is_held():
    """2 mm over the table: it must be told where it is."""
    depth, mask = render([box((0.02, 0.01), (0.09, 0.06, 0.002))])
    contact, _ = in_table(planner().plan(depth, CAMERA, mask=mask, max_grasps=1))
    assert np.linalg.norm(contact[0] - [0.02, 0.01, 0.002]) < 0.02


def test_same_seed_same_plan_and_another_differs():
    depth, _ = render(BOXES)
    one, two, other = (planner().plan(depth, CAMERA, seed=s) for s in (3, 3, 4))
    assert [g.to_dict() for g in one] == [g.to_dict() for g in two] != [g.to_dict() for g in other]
    assert one.counts["scored"] > 50 and len(one.candidates) > 10


def test_a_region_holds_every_contact():
    depth, _ = render(BOXES)
    plan = planner().plan(depth, CAMERA, region=(0, 0, 160, 240))
    assert all(g.center_px[0] < 160 for g in plan)
    assert in_table(plan)[0][:, 0].max() < 0
    with pytest.raises(NoGraspFound, match="region"):
        planner().plan(depth, CAMERA, region=(0, 0, 5, 5))


def test_labels_targets_and_per_object():
    depth, _ = render(TOUCHING)
    labels = labels_of(TOUCHING)
    plan = planner().plan(depth, CAMERA, labels=labels, per_object=1)
    assert sorted(g.label for g in plan) == [1, 2]
    only = planner().plan(depth, CAMERA, labels=labels, targets=[2])
    assert {g.label for g in only} == {2} and in_table(only)[0][:, 0].min() > 0


def test_a_cone_of_approaches_is_kept():
    T = overhead(0.6)
    depth, _ = render([box((0, 0), (0.08, 0.08, 0.08))], T_cam_table=T)
    for way in ([0, 0, -1.0], [0, 1.0, 0], [0, -1.0, 0]):
        axis = T[:3, :3] @ way
        try:
            _, approach = in_table(planner(min_quality=0).plan(depth, CAMERA, approach=ApproachCone(axis, 0.3)), T)
        except NoGraspFound as e:  # the side that the camera does not see
            assert e.counts["smooth"] > 0 == e.counts["facing"]
            continue
        assert (approach @ way).min() > np.cos(0.3) - 1e-6
    sides = in_table(planner(min_quality=0).plan(depth, CAMERA, max_grasps=50), T)[1]
    assert sides[:, 2].min() < -0.95 and sides[:, 2].max() > -0.3  # the top and a side


def test_from_below_is_an_input_error():
    with pytest.raises(InputError, match="below"):
        planner().plan(render(BOXES)[0], CAMERA, approach=ApproachCone((0, 0, -1), 0.2))


def test_the_reason_of_a_refusal():
    table, _ = render([])
    with pytest.raises(NoGraspFound, match="nothing stands above"):
        planner().plan(table, CAMERA)
    small, _ = render([box((0, 0), (0.02, 0.02, 0.05))])
    wide = SuctionCup("wide", 0.04, 0.05, 0.01, 300.0, 12.0, 0.5, (0.05, 0.05, 0.1))
    with pytest.raises(NoGraspFound, match="smooth over the lip of wide"):
        planner(wide).plan(small, CAMERA)
    pit = [box((0, 0), (0.03, 0.03, 0.04)), *(box((s * 0.035, 0), (0.02, 0.2, 0.14)) for s in (-1, 1))]
    depth, _ = render(pit)
    mask = render(pit[:1])[1]
    with pytest.raises(NoGraspFound, match="clear what the image shows"):
        planner().plan(depth, CAMERA, mask=mask)


@pytest.mark.parametrize(
    "radius, why",
    [(0.001, "it is 1.6 pixels wide, and 4 are needed"), (0.19, "it is 306.9 pixels wide, and the image 240")],
)
def test_a_lip_too_small_or_too_large_for_the_image_is_told(radius, why):
    cup = SuctionCup("odd", radius, 0.05, 0.01, 300.0, 12.0, 0.5, (0.05, 0.05, 0.1))
    with pytest.raises(NoGraspFound, match=rf"lip of odd .*: at 0.65 m {why}"):
        planner(cup).plan(render([box((0, 0), (0.08, 0.08, 0.05))])[0], CAMERA)


def test_earlier_grasps_are_candidates():
    depth, _ = render(BOXES)
    first = planner().plan(depth, CAMERA, seed=1)
    sparse = planner(points=SuctionPointOptions(drawn=8), candidates=2)
    again = sparse.plan(depth, CAMERA, seed=5, start=first.grasps[:3], max_grasps=1)
    assert again[0].quality >= 0.8 * first[0].quality


def test_several_views_and_a_cloud():
    """Views from two sides: each contact on what one of them sees; the cloud's plan is the image's, moved."""
    views = [view_of_boxes(BOXES, tilt) for tilt in (0.4, -0.4)]
    plan = planner(min_quality=0).plan_views(views, max_grasps=20)
    contact = np.stack([g.T_cam_grasp[:3, 3] for g in plan])
    assert contact[:, 2].min() > 0.0 and contact[:, 2].max() < 0.055
    depth, _ = render(BOXES)
    T = overhead(0.2)
    cloud = transforms.apply(T, points_of(depth).reshape(-1, 3)).reshape(*depth.shape, 3).astype(np.float32)
    hints = SceneHints(up=tuple(T[:3, :3] @ [0, 0, -1.0]))
    moved = planner().plan_cloud(cloud, tuple(T[:3, 3]), hints=hints, max_grasps=1)
    place = (transforms.invert(T) @ moved[0].T_cam_grasp)[:3, 3]
    assert min(abs(place[2] - (HEIGHT - h)) for h in (0.05, 0.03)) < 0.003


def test_a_model_file_plans_as_its_network(tmp_path):
    torch.manual_seed(0)
    network = networks.GraspNetwork("patch")
    networks.save(tmp_path / "cup.pt", network, {"crop": suction_crop_definition()})
    depth, _ = render(BOXES)
    loaded = SuctionPlanner.load(tmp_path / "cup.pt", CUP).plan(depth, CAMERA)
    direct = SuctionPlanner(network.eval(), CUP).plan(depth, CAMERA)
    assert loaded[0].quality == pytest.approx(direct[0].quality, abs=1e-3)
    networks.save(tmp_path / "jaws.pt", network, {})
    with pytest.raises(ModelError, match="no model of a suction cup"):
        SuctionPlanner.load(tmp_path / "jaws.pt", CUP)
    with pytest.raises(InputError, match="CPU"):
        SuctionPlanner.load(tmp_path / "cup.pt", CUP, device="cuda")


def test_the_files_calibration_by_picks_is_applied():
    torch.manual_seed(0)
    network, depth = networks.GraspNetwork("patch").eval(), render(BOXES)[0]
    meta = {"crop": suction_crop_definition()}
    before = SuctionPlanner(network, CUP, meta=meta).plan(depth, CAMERA)
    after = SuctionPlanner(network, CUP, meta={**meta, "picks": {CUP.name: {"scale": 0.5, "shift": 0.3}}}).plan(
        depth, CAMERA
    )
    odds = [np.log(p[0].quality / (1 - p[0].quality)) for p in (before, after)]
    assert odds[1] == pytest.approx(0.5 * odds[0] + 0.3, abs=1e-4)
    np.testing.assert_allclose(before[0].T_cam_grasp, after[0].T_cam_grasp)


def test_a_planner_and_its_plan_can_be_pickled():
    depth, _ = render(BOXES)
    before = SuctionPlanner(
        networks.GraspNetwork("patch").eval(), CUP, SuctionOptions(), {"crop": suction_crop_definition()}
    )
    after = pickle.loads(pickle.dumps(before))
    plan = before.plan(depth, CAMERA)
    assert [g.to_dict() for g in after.plan(depth, CAMERA)] == [g.to_dict() for g in plan]
    assert len(pickle.loads(pickle.dumps(plan)).candidates) == len(plan.candidates)


def test_flatness_prefers_the_flat():
    score, flat = Flatness(), torch.zeros(1, 1, 32, 32)
    bumpy, half = flat.clone(), flat.clone()
    bumpy[:, :, ::2] = 0.4
    half[..., 16:] = -1
    with torch.no_grad():
        a, b, c = (float(score(x, torch.zeros(1, 4))) for x in (flat, bumpy, half))
    assert a == pytest.approx(3) and b < a - 1.5 and c < a - 5
