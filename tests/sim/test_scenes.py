"""Scenes that need another approach than from above, and the oracle that knows them."""

import math

import numpy as np
import pytest

from antipodal import transforms
from antipodal.errors import InputError, NoGraspFound
from antipodal.grasp import Gripper
from antipodal.sim.cell import Cell, overhead
from antipodal.sim.objects import body_from_mesh, box
from antipodal.sim.oracle import Oracle
from antipodal.sim.scene_things import flat_things, wide_things
from antipodal.sim.scenes import BIN_HEIGHT, BIN_SIDE, ROOF, SCENES, check_scene, hints_of, named_approach, parts_of
from antipodal.sim.trials import Job, Runner, TrialOptions

STEEP = overhead(0.7, 1.13, 0.4)  # a camera that looks into a shelf


def shelf_with(body):
    cell = Cell(Gripper(), T_world_cam=STEEP, options=SCENES["shelf"].cell, room=parts_of("shelf", None, STEEP, [body]))
    cell.drop([body], np.random.default_rng(0))
    return cell


@pytest.mark.parametrize(
    "text, complaint", [("sideways", "front:DEG"), ("front:100", "0 to 90 degrees"), ("front:wide", "0 to 90 degrees")]
)
def test_another_approach_is_refused_with_what_is_possible(text, complaint):
    with pytest.raises(InputError, match=complaint):
        named_approach(text, STEEP)
    with pytest.raises(InputError, match=complaint):
        TrialOptions("procedural:1", approach=text)


def test_front_is_level_and_leads_where_the_camera_looks():
    cone = named_approach("front:30", STEEP)
    axis = STEEP[:3, :3] @ cone.axis
    assert abs(axis[2]) < 1e-9 and axis @ STEEP[:3, 2] > 0 and cone.angle == pytest.approx(math.radians(30))
    assert named_approach("any", STEEP) == "any"
    with pytest.raises(InputError, match="straight down"):
        named_approach("front", overhead(0.7))


def test_scenes_are_checked():
    assert check_scene("shelf") == "shelf"
    with pytest.raises(InputError, match="no scene 'attic'; possible: table, shelf, box, wide, low, flat"):
        TrialOptions("procedural:1", scene="attic")
    with pytest.raises(InputError, match="holds one object, got clutter"):
        TrialOptions("procedural:1", scene="shelf", clutter=(2, 3))


def test_a_shelf_has_a_roof_and_a_back_wall_and_is_open_to_the_camera():
    cell = shelf_with(box("block", (0.04, 0.05, 0.08)))
    assert [part.kind for part in cell.room] == ["table", "roof", "back"]
    assert cell.mask().sum() > 500, "the camera sees the object"
    roof, back = cell.room[1], cell.room[2]
    assert roof.T_world_part[2, 3] - roof.size[2] / 2 == pytest.approx(ROOF)
    assert back.T_world_part[:3, 3] @ STEEP[:3, 2] > 0 and hints_of("shelf", STEEP).up == tuple(STEEP[2, :3])


def test_in_a_shelf_the_oracle_holds_from_the_front_and_nothing_from_above():
    cell = shelf_with(box("block", (0.04, 0.05, 0.08)))
    depth = cell.render()
    front = named_approach("front:40", STEEP)
    grasp = Oracle(cell).plan(depth, cell.camera, approach=front)[0]
    assert front.holds(grasp.T_cam_grasp[:3, 2])
    with pytest.raises(NoGraspFound):
        Oracle(cell).plan(depth, cell.camera)
    assert cell.execute(grasp.T_cam_grasp, grasp.width).held and not cell.remaining()


def test_a_pick_from_the_side_lifts_then_draws_back():
    cell = shelf_with(box("block", (0.04, 0.05, 0.08)))
    block = cell.pose(0)
    across = np.cross([0, 0, 1.0], STEEP[:3, 2])
    across /= np.linalg.norm(across)
    sides = block[:3, :3] @ np.eye(3)
    closing = sides[:, np.argmax(np.abs(across @ sides))]
    way = np.cross(closing, [0, 0, 1.0])
    way *= np.sign(way @ STEEP[:3, 2])
    T = transforms.compose(np.stack([np.cross(closing, way), closing, way], axis=-1), block[:3, 3])
    outcome = cell.rehearse(transforms.invert(STEEP) @ T, 0.085)
    assert outcome.object_force < 2 and outcome.picked == 0


def test_a_box_stands_round_its_object_without_touching_it():
    body = box("block", (0.04, 0.05, 0.08))
    for seed in range(5):
        parts = parts_of("box", np.random.default_rng(seed), STEEP, [body])
        assert [p.kind for p in parts] == ["table"] + 4 * ["tray"]
        corners = body.parts[0].vertices * [1, 1, 0] + [0, 0, 0.01]
        for wall in parts[1:]:
            inside = np.abs(transforms.apply(transforms.invert(wall.T_world_part), corners)) <= wall.size / 2
            assert not inside.all(axis=1).any()


def test_wide_things_are_wider_than_the_jaws_open_and_narrow_in_their_middle():
    things = wide_things(3)
    assert len({t.name for t in things}) == len(things) == 50
    for thing in things[:10]:
        mesh = thing.get()
        assert min(np.ptp(mesh.vertices[:, :2], axis=0)) > Gripper().max_width
        assert 2 * np.hypot(*mesh.metadata["parts"][1].vertices[:, :2].T).max() < 0.05
        body_from_mesh(thing.name, mesh)


def test_a_trial_on_a_shelf_is_planned_from_the_front():
    runner = Runner(TrialOptions("procedural:4", scene="shelf", approach="front:40", seed=3))
    row = runner.run(Job(1, "oracle"))
    assert row["reachable"] == 1 and row["picks"][0]["kind"] in ("held", "no_grasp")
    again = Runner(TrialOptions("procedural:4", scene="shelf", approach="front:40", seed=3)).run(Job(1, "oracle"))
    assert row["picks"][0]["kind"] == again["picks"][0]["kind"]


def test_flat_things_are_too_wide_or_too_thin_for_the_jaws_to_take_from_above():
    things = flat_things(3)
    assert len({t.name for t in things}) == len(things) == 50
    for thing in things[:12]:
        mesh = thing.get()
        across, thick = np.sort(np.ptp(mesh.vertices, axis=0))[1], np.ptp(mesh.vertices[:, 2])
        assert across > Gripper().max_width or thick <= 0.002
        assert thick < 0.025
        body = body_from_mesh(thing.name, mesh)
        assert 0.019 < body.mass < 0.5
    assert not np.array_equal(flat_things(3)[0].get().vertices, flat_things(4)[0].get().vertices)


def test_a_bin_holds_a_heap_of_which_half_is_flat():
    runner = Runner(TrialOptions("procedural:6", scene="flat", clutter=(4, 6), seed=3))
    for scene in range(3):
        names = runner.objects(scene)
        flat = [name for name in names if not name.startswith("procedural")]
        assert 4 <= len(names) <= 6 and len(flat) == round(len(names) / 2)
    cell = runner.make_cell(0)
    assert len(cell.remaining()) == len(runner.objects(0))
    assert [part.kind for part in cell.room] == ["table"] + 4 * ["tray"]
    for i in cell.remaining():
        assert (np.abs(cell.pose(i)[:2, 3]) < BIN_SIDE).all()
    walls = cell.room[1:]
    assert max(part.T_world_part[2, 3] + part.size[2] / 2 for part in walls) == pytest.approx(BIN_HEIGHT)
