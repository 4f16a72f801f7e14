import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from antipodal import transforms

vectors = arrays(float, 3, elements=st.floats(-2, 2)).filter(lambda v: np.linalg.norm(v) > 0.1)


@given(vectors, vectors, vectors)
def test_invert_undoes_and_keeps_rigid(z, hint, t):
    T = transforms.compose(transforms.rotation_to(z, hint), t)
    np.testing.assert_allclose(transforms.invert(T) @ T, np.eye(4), atol=1e-9)
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1)


@given(vectors, vectors)
def test_rotation_to_has_the_z_asked_for(z, hint):
    R = transforms.rotation_to(z, hint)
    np.testing.assert_allclose(R[:, 2], z / np.linalg.norm(z), atol=1e-9)
    parallel = np.linalg.norm(np.cross(z, hint)) < 1.01e-6 * np.linalg.norm(z)  # any perpendicular does
    assert parallel or R[:, 0] @ hint >= -1e-9


@given(vectors, vectors, vectors)
def test_rigid_transforms_are_told_from_others(z, hint, t):
    T = transforms.compose(transforms.rotation_to(z, hint), t)
    assert transforms.is_rigid(T) and transforms.is_rigid(T.tolist())
    mirrored, stretched, projective = (
        T @ np.diag([1, 1, -1, 1]),
        T @ np.diag([1, 1, 1.01, 1]),
        T + np.eye(4)[[3]].T * 0.1,
    )
    assert not any(map(transforms.is_rigid, (mirrored, stretched, projective, T[:3], T * np.nan, None, [[1]], "T")))


def test_apply_is_the_matrix_product_in_batches():
    rng = np.random.default_rng(0)
    T = transforms.compose(transforms.about_z(rng.normal(size=5)), rng.normal(size=(5, 3)))
    points = rng.normal(size=(5, 7, 3))
    homogeneous = np.concatenate([points, np.ones((5, 7, 1))], axis=-1)
    expected = np.einsum("bij,bnj->bni", T, homogeneous)[..., :3]
    np.testing.assert_allclose(transforms.apply(T, points), expected)


def test_about_z_turns_x_towards_y():
    np.testing.assert_allclose(transforms.about_z(np.array(np.pi / 2)) @ [1, 0, 0], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize("seed", range(50))
def test_quaternion_is_scipys(seed):
    rotation = Rotation.random(random_state=seed)
    expected = rotation.as_quat()
    np.testing.assert_allclose(transforms.quaternion(rotation.as_matrix()), expected * np.sign(expected[3]), atol=1e-9)
