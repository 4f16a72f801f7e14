import json

import numpy as np
import pytest
import yaml
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


numbers = st.floats(1, 5000).map(lambda x: round(x, 3))
cameras = st.builds(Camera, numbers, numbers, numbers, numbers, st.integers(1, 4000), st.integers(1, 4000))


def camera_info(camera, **names):
    """As camera_calibration writes it; the matrix of the raw image differs."""
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    return {
        "image_width": camera.width,
        "image_height": camera.height,
        "camera_name": "left",
        "camera_matrix": {"rows": 3, "cols": 3, "data": [fx + 9, 0, cx, 0, fy + 9, cy, 0, 0, 1]},
        "distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.1, 0, 0, 0, 0]},
        "projection_matrix": {"rows": 3, "cols": 4, "data": [fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0]},
    }


def echoed(camera, P=True):
    """As `rostopic echo` prints it."""
    P = [camera.fx, 0, camera.cx, 0, 0, camera.fy, camera.cy, 0, 0, 0, 1, 0] if P else [0.0] * 12
    K = [camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1]
    return {"header": {"seq": 1}, "width": camera.width, "height": camera.height, "K": K, "P": P, "D": []}


FORMATS = {
    "camera.json": lambda c: json.dumps(c.to_dict()),
    "camera.yaml": lambda c: yaml.safe_dump({**c.to_dict(), "radius": [0.4, 0.9], "source": "mine"}),
    "info.yaml": lambda c: yaml.safe_dump(camera_info(c)),
    "echo.yaml": lambda c: yaml.safe_dump(echoed(c)) + "---\n",
    "raw.yaml": lambda c: yaml.safe_dump(echoed(c, P=False)),
    "camera.intr": lambda c: json.dumps({"_frame": "f", "_skew": 0.0, **{f"_{k}": v for k, v in c.to_dict().items()}}),
}


@pytest.mark.parametrize("name", FORMATS)
@given(camera=cameras)
def test_every_format_gives_back_the_camera_that_was_written(name, tmp_path_factory, camera):
    path = tmp_path_factory.mktemp("camera") / name
    path.write_text(FORMATS[name](camera))
    assert Camera.load(path) == camera


@pytest.mark.parametrize(
    "more, complaint",
    [
        ({"polar": [0, 0.5]}, r"unknown polar; it is an option of the generator: --set cameras\.polar"),
        ({"raduis": [0.4, 0.9]}, "unknown raduis; did you mean radius?"),
        ({"zzz": 1}, "unknown zzz; possible: fx, fy"),
        ({"K": [1, 2]}, "matrix must hold 9 or 12 numbers"),
        ({"K": [1, 0, 0, 0, 1, 0, 0, 0, 1], "D": [0.1, 0]}, "has distortion and no P"),
        ({"K": [1, 0, 0, 0, 1, 0, 0, 0, 1], "D": 0.1}, "D must be a list of numbers, row by row, got 0.1"),
        ({"K": ["wide"] * 9}, r"K must be a list of numbers, row by row, got \['wide', 'wide'"),
        ({"K": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}, "K must be a list of numbers"),
        ({"P": 5}, "P must be a list of numbers, row by row, got 5"),
        ({"projection_matrix": {"data": [True] * 12}}, "projection_matrix must be a list of numbers"),
        ({"fx": 10**400}, "camera.yaml: camera values must be finite numbers, got .'cx'"),
        ({"fx": True}, "camera.yaml: camera values must be finite numbers"),
        ({"width": 10**6, "height": 10**6}, "134217728 pixels at most, got 1000000 x 1000000"),
    ],
)
def test_a_key_that_means_nothing_is_refused(tmp_path, more, complaint):
    path = tmp_path / "camera.yaml"
    path.write_text(yaml.safe_dump({**CAMERA.to_dict(), **more}))
    with pytest.raises(InputError, match=complaint):
        Camera.load(path)


def test_a_field_of_view_is_that_of_the_borders():
    camera = Camera.from_field_of_view(90, 640, 480)
    left, right = camera.deproject(np.array([[-0.5, 239.5], [639.5, 239.5]]), np.ones(2))
    np.testing.assert_allclose([left, right], [[-1, 0, 1], [1, 0, 1]], atol=1e-12)


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


@pytest.mark.parametrize("degrees", [0, 180, -1.0, float("nan"), "60", None, [60]])
def test_a_field_of_view_that_cannot_be_is_refused(degrees):
    with pytest.raises(InputError, match="between 0 and 180 degrees, got"):
        Camera.from_field_of_view(degrees, 640, 480)
