import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antipodal.camera import Camera
from antipodal.errors import InputError

CAMERA = Camera(525.0, 520.0, 319.5, 239.5, 640, 480)


@given(st.floats(0, 639), st.floats(0, 479), st.floats(0.1, 5))
def test_project_undoes_deproject(u, v, z):
    point = CAMERA.deproject(np.array([u, v]), np.array(z))
    np.testing.assert_allclose(CAMERA.project(point), [u, v], atol=1e-6)
    assert point[2] == z


def test_axis_of_the_camera_is_the_principal_point():
    np.testing.assert_allclose(CAMERA.project(np.array([0.0, 0.0, 1.0])), [319.5, 239.5])
    right_and_down = CAMERA.project(np.array([0.1, 0.1, 1.0]))
    assert np.all(right_and_down > [319.5, 239.5])


def test_file_round_trip(tmp_path):
    path = tmp_path / "camera.json"
    path.write_text(json.dumps(CAMERA.to_dict()))
    assert Camera.load(path) == CAMERA


@pytest.mark.parametrize("fx", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_focal_length_is_refused(fx):
    with pytest.raises(InputError, match=r"focal|finite"):
        Camera(fx, 525.0, 319.5, 239.5, 640, 480)


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"fx": 1}', "{"])
def test_file_without_a_camera_says_what_is_needed(tmp_path, text):
    path = tmp_path / "camera.json"
    path.write_text(text)
    with pytest.raises(InputError, match="camera file"):
        Camera.load(path)
