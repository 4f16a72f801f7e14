"""The box of an object belongs to the object."""

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from antipodal.errors import InputError
from antipodal.synth.objects.own_box import box_sides, median_side
from antipodal.synth.objects.procedural import procedural


@pytest.mark.parametrize("seed", range(8))
def test_a_box_has_its_own_sides_however_it_lies(seed):
    rng = np.random.default_rng(seed)
    sides = np.sort(rng.uniform(0.01, 0.1, 3))
    points = trimesh.creation.box(sides).vertices @ Rotation.random(random_state=seed).as_matrix().T
    np.testing.assert_allclose(box_sides(points), sides, rtol=1e-9)
    assert median_side(points) == pytest.approx(sides[1])


@pytest.mark.parametrize("index", range(11))
def test_sides_do_not_change_with_the_pose_and_hold_the_object(index):
    vertices = procedural(index).vertices
    sides = box_sides(vertices)
    for seed in range(3):
        moved = vertices @ Rotation.random(random_state=seed).as_matrix().T + [0.1, 0.2, 0.3]
        np.testing.assert_allclose(box_sides(moved), sides, rtol=1e-3)
    diagonal = np.linalg.norm(vertices[:, None] - vertices[None], axis=2).max() if len(vertices) < 800 else 0
    assert np.linalg.norm(sides) >= diagonal - 1e-9


def test_what_is_flat_has_no_box():
    with pytest.raises(InputError, match="span no volume"):
        median_side(np.random.default_rng(0).random((20, 3)) * [1, 1, 0])
