"""Whatever is told of a scene, it is refused as bad input or used, and raises nothing else."""

import random

import numpy as np
import pytest
from scenes import CAMERA, HEIGHT, box, render

from antipodal.errors import AntipodalError, InputError
from antipodal.perception.hints import SceneHints
from antipodal.perception.scene import perceive

DEPTH, _ = render([box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
NUMBERS = [0.0, 1.0, -1.0, 1e-300, 1e300, 1e-30, 1e30, 1e-3, 1e3]


@pytest.mark.parametrize("seed", range(5))
def test_extreme_numbers_are_refused_or_used(seed):
    rng = random.Random(seed)
    for _ in range(100):
        hints = {"up": rng.choices(NUMBERS, k=3)} if rng.random() < 0.3 else {"table": rng.choices(NUMBERS, k=4)}
        try:
            scene = perceive(DEPTH, CAMERA, hints=SceneHints(**hints))
        except AntipodalError:
            continue
        assert scene.graspable.shape == DEPTH.shape


@pytest.mark.parametrize(
    "table", [(0, 0, 1e30, 1e30 * HEIGHT), (0, 0, 1, 0.001), (0, 0, 1, 50.0), (0, 0, 1e-9, HEIGHT)]
)
def test_tables_that_no_camera_sees_are_refused(table):
    with pytest.raises(InputError, match=r"^table .*possible: "):
        SceneHints(table=table)


def test_a_direction_up_of_the_wrong_sign_is_refused():
    """The camera would look at things from under what they stand on."""
    with pytest.raises(InputError, match=r"^up .* points into the image.*possible: the opposite, .*-1"):
        perceive(DEPTH, CAMERA, hints=SceneHints(up=(0.0, 0.2, 1.0)))
    for up in ((0.0, -0.2, -1.0), (0.0, -1.0, 0.0), (0.0, -1.0, 0.8)):
        assert SceneHints(up=up).down() is not None
    of_a_cloud = SceneHints(up=(0.0, 0.0, 1.0))  # in the cloud's frame
    assert of_a_cloud.seen_from(np.diag([1.0, -1.0, -1.0, 1.0])).up == (0.0, 0.0, -1.0)


@pytest.mark.parametrize("table", [(1.0, 0.0, 0.0, 1.0), (0.0, 1.0, -0.3, 0.4)])
def test_a_table_seen_edge_on_is_used(table):
    """A camera that looks along the table, or away from it, as one on a mobile base."""
    scene = perceive(DEPTH, CAMERA, hints=SceneHints(table=table))
    assert scene.support is not None and np.isfinite(scene.support.noise)
