"""Clutter: where dropped objects come to lie, and that grasps, labels and provenance know one from the other."""

import dataclasses

import numpy as np
import pytest
import trimesh

from antipodal import transforms
from antipodal.synth.generate import generate
from antipodal.synth.grasps.candidates import CandidateOptions, sample_grasps
from antipodal.synth.jaw_samples import nearest_object
from antipodal.synth.labels.contacts import NEVER
from antipodal.synth.labels.labels import label_grasps
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.objects.piles import PileOptions, drop_pile, joint_mesh, load_piles
from antipodal.synth.objects.prepared import prepare
from antipodal.synth.objects.stable_poses import PoseOptions
from antipodal.synth.scene import SceneOptions, build_scene
from antipodal.synth.shards import column
from antipodal.synth.table_grasps import TableGrasps
from tests.synth_runs import EXACT, GRIPPER, SMALL, digest, run

pytest.importorskip("mujoco", reason="clutter needs MuJoCo")
SIDES = np.array([0.03, 0.04, 0.06])


@pytest.fixture(scope="module")
def bricks():
    mesh = trimesh.creation.box(SIDES)
    mesh.metadata["center_of_mass"] = np.zeros(3)
    return [prepare(mesh, PoseOptions(), SceneOptions())] * 3


def test_a_box_alone_comes_to_lie_on_a_face(bricks):
    for index in range(3):
        pile = drop_pile(bricks, PileOptions(objects=1), 0, index)
        height = pile.poses[0, 2, 3]
        assert np.abs(height - SIDES / 2).min() < 0.001
        np.testing.assert_allclose(pile.poses[0, :2, 3], 0, atol=1e-12)


def test_a_pile_is_at_rest_on_the_table_and_together(bricks):
    options = PileOptions(objects=6)
    pile = drop_pile(bricks, options, 1, 0)
    assert 4 <= len(pile.which) <= 6
    corners = transforms.apply(pile.poses, bricks[0].vertices.astype(float))
    assert corners[..., 2].min() > -0.002 and corners[..., 2].max() < 0.2
    assert np.linalg.norm(pile.poses[:, :2, 3], axis=1).max() < options.reach
    distance = np.linalg.norm(pile.poses[:, None, :3, 3] - pile.poses[None, :, :3, 3], axis=2)
    assert distance[~np.eye(len(distance), dtype=bool)].min() > SIDES.min() - 0.003  # none inside another
    again, other = drop_pile(bricks, options, 1, 0), drop_pile(bricks, options, 1, 1)
    np.testing.assert_array_equal(pile.poses, again.poses)
    assert pile.poses.shape != other.poses.shape or not np.allclose(pile.poses, other.poses)


def side_by_side(bricks, gap):
    """Two bricks along x, `gap` apart."""
    poses = np.stack([transforms.compose(np.eye(3), np.array([s * (SIDES[0] + gap) / 2, 0, 0.03])) for s in (-1, 1)])
    pile = drop_pile(bricks, PileOptions(objects=2), 0, 0)._replace(which=np.array([0, 1]), poses=poses)
    vertices, faces, centers, owner = joint_mesh(pile, bricks)
    np.testing.assert_allclose(centers, poses[:, :3, 3])
    return build_scene(vertices, faces, centers=centers, owner=owner)


def test_two_objects_between_the_jaws_are_not_held_and_one_is(bricks):
    scene = side_by_side(bricks, 0.015)
    tips = np.array([[0, 0, 0.03], [-0.0225, 0, 0.03], [0.0225, 0, 0.03]])
    angle = np.array([0.0, np.pi / 2, np.pi / 2])
    result = label_grasps(scene, GRIPPER, TableGrasps(tips, angle, np.full(3, 0.085)), np.random.default_rng(0), EXACT)
    np.testing.assert_array_equal(result.collision, False)
    np.testing.assert_array_equal(result.label, [0, 1, 1])
    assert result.friction[0] == NEVER
    np.testing.assert_array_equal(nearest_object(scene, TableGrasps(tips, angle, np.full(3, 0.085)))[1:], [0, 1])


def test_a_neighbour_is_in_the_jaws_way(bricks):
    grasp = TableGrasps(np.array([[-0.0175, 0, 0.03]]), np.zeros(1), np.array([0.04]))
    for gap, stopped in ((0.005, True), (0.03, False)):
        moved = TableGrasps(grasp.tips - [(gap - 0.005) / 2, 0, 0], grasp.angle, grasp.width)
        result = label_grasps(side_by_side(bricks, gap), GRIPPER, moved, np.random.default_rng(0), EXACT)
        assert result.collision[0] == stopped


def test_antipodal_pairs_lie_on_one_object(bricks):
    scene = side_by_side(bricks, 0.01)
    options = CandidateOptions(1.0, 0.0, 0.0, clearance=0.0, fully_open=0.0, friction=0.1)
    grasps = sample_grasps(scene, GRIPPER, 200, np.random.default_rng(0), options)
    across = np.abs(grasps.tips[:, 0]) < 0.004
    assert len(grasps) == 200 and np.mean(across) < 0.05  # a pair across both has its middle between them


def test_a_run_in_clutter_is_the_same_for_any_workers_and_names_the_objects(tmp_path):
    options = dataclasses.replace(SMALL, piles=PileOptions(objects=4, piles=5))
    for workers in (1, 2):
        generate(tmp_path / str(workers), run(options=options, samples=140), MeshOptions(), workers=workers)
    assert digest(tmp_path / "1") == digest(tmp_path / "2")
    assert len(load_piles(tmp_path / "1" / "objects")) == 5
    scene, objects, pose = (column(tmp_path / "1", n) for n in ("scene", "objects", "pose"))
    assert max(len(set(objects[:72][scene[:72] == i])) for i in range(3)) > 1 and pose.max() < 5
