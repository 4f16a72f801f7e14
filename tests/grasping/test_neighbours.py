"""The compiled rule of neighbours gives the plain one's answer."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from inputs import TOUCHING, TWO, labels_of
from scenes import CAMERA, HEIGHT, render

from antipodal import backends
from antipodal.grasp import Gripper
from antipodal.grasping import neighbours
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.perception.fusion import CameraView, with_labels
from antipodal.perception.view import make_view


def view_of(boxes):
    depth, mask = render(boxes)
    view = make_view(torch.from_numpy(depth), CAMERA, torch.from_numpy(mask), np.array([0, 0, 1.0]), HEIGHT, 0.1)
    return with_labels(view, [CameraView(depth, mask, CAMERA, np.eye(4), labels_of(boxes).astype(np.int32))])


@pytest.mark.parametrize("boxes", [TWO, TOUCHING], ids=["apart", "touching"])
def test_the_compiled_rule_is_the_plain_one(boxes):
    view, generator = view_of(boxes), torch.Generator().manual_seed(0)
    n = 3000
    xy = view.to_metres(torch.rand(n, 2, generator=generator) * torch.tensor(view.depth.shape[::-1]))
    center = torch.cat([xy, 0.64 + 0.06 * torch.rand(n, 1, generator=generator)], dim=1)
    width = 0.02 + 0.065 * torch.rand(n, generator=generator)
    grasps = ViewGrasps(center, 3 * torch.rand(n, generator=generator), width)
    compiled = neighbours.closes_on_one(view, grasps, Gripper())
    with backends.torch_only():
        plain = neighbours.closes_on_one(view, grasps, Gripper())
    assert 0 < int(plain.sum()) < n
    assert torch.equal(compiled, plain)


def test_a_hole_between_pixels_is_nobodys():
    view = view_of(TWO)
    holes = torch.rand(view.labels.shape, generator=torch.Generator().manual_seed(1)) < 0.1
    holed = replace(view, labels=torch.where(holes, -1, view.labels))
    pairs = neighbours.pairs_along_axes(view)
    center = torch.cat([pairs.center, torch.full((len(pairs.angle), 1), 0.66)], dim=1)
    grasps = ViewGrasps(center, pairs.angle, pairs.extent)
    own = neighbours.labels_of(holed, grasps) > 0
    before, after = (neighbours.closes_on_one(v, grasps, Gripper())[own] for v in (view, holed))
    assert own.any() and torch.equal(before, after)


def test_objects_take_turns():
    order = neighbours.in_turn(torch.tensor([5, 5, 5, 2, 2, 9]))
    assert order.tolist() == [0, 3, 5, 1, 4, 2]
