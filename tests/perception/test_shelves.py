"""What stands on a shelf under a roof, seen from the front: what hangs over it is no wall."""

import numpy as np
import pytest
import rooms

from antipodal.perception.hints import SceneHints
from antipodal.perception.image_part import ImagePart
from antipodal.perception.inputs import check_depth
from antipodal.perception.scene import perceive
from antipodal.perception.table import find_table

CAMERA = rooms.CAMERAS[2]
BOARD = (rooms.TABLE, (1.0, 0.4, 0.02), (0, 0, -0.01), 0.0)
ROOF = (rooms.WALL, (1.0, 0.4, 0.02), (0, 0, 0.27), 0.0)
BACK = (rooms.WALL, (1.0, 0.02, 0.28), (0, 0.21, 0.13), 0.0)
THINGS = [
    (rooms.OBJECT, (0.04, 0.06, 0.05), (0.05, 0.02, 0.025), 0.4),
    (rooms.OBJECT, (0.05, 0.05, 0.12), (-0.12, 0.06, 0.06), 0.2),
]


def looked_at(parts, elevation):
    """Depth, and the kinds of the pixels, from so far above the board [rad]; and where up is."""
    eye = 0.85 * np.array([0.0, -np.cos(elevation), np.sin(elevation)])
    T = rooms.look_at(eye, (0, 0, 0.06), 0.0)
    depth, seen = rooms.trace(T, CAMERA, parts)
    kind = np.array([kind for kind, *_ in parts] + [0])[seen]
    noisy = rooms.sense(depth, np.random.default_rng(0), 0.002, 0.0)
    return check_depth(noisy, CAMERA), kind, SceneHints(up=tuple(T[2, :3]))


@pytest.mark.parametrize("elevation", [0.3, 0.4, 0.5])
def test_things_under_a_roof_are_kept(elevation):
    depth, kind, hints = looked_at([BOARD, ROOF, BACK, *THINGS], elevation)
    found = perceive(depth, CAMERA, None, hints).graspable
    assert found[kind == rooms.OBJECT].mean() > 0.9
    assert found[kind != rooms.OBJECT].mean() < 0.01


@pytest.mark.parametrize("elevation", [0.4, 0.6, 0.8])
def test_in_a_plan_a_wall_stands_and_a_roof_does_not(elevation):
    wall = (rooms.WALL, (0.3, 0.01, 0.2), (0, 0.05, 0.1), 0.0)
    slat = (rooms.WALL, (0.3, 0.03, 0.01), (0, -0.05, 0.2), 0.0)
    for part, stands in ((wall, True), (slat, False)):
        depth, kind, hints = looked_at([BOARD, part], elevation)
        image = ImagePart.whole(depth, CAMERA, find_table(depth, CAMERA, np.random.default_rng(0), None, hints))
        top, _ = image.plan((kind == rooms.WALL) & (image.height > 0.15))
        assert (top > 0).any() == stands
