import math

import pytest
import torch
from scenes import CAMERA, HEIGHT, box, overhead, render

from antipodal.grasp import Gripper
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import crops
from tests.perception.test_view import view_of

GRIPPER = Gripper()


def plane(a, b, c, size=200, cell=0.002, origin=(-0.2, -0.2)):
    v, u = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return a * (origin[0] + cell * u) + b * (origin[1] + cell * v) + c, origin, cell


def grasps(n, seed=0):
    g = torch.Generator().manual_seed(seed)
    xy = 0.2 * torch.rand(n, 2, generator=g) - 0.1
    z = 0.6 + 0.1 * torch.rand(n, 1, generator=g)
    angle = math.pi * torch.rand(n, generator=g) - math.pi / 2
    return ViewGrasps(torch.cat([xy, z], 1), angle, torch.full((n,), 0.085))


def test_a_plane_is_sampled_exactly_at_the_crops_own_grid():
    depth, origin, cell = plane(0.3, -0.2, 0.7)
    batch = grasps(20)
    got = crops.surface_crops(depth, origin, cell, batch, GRIPPER)
    grid = crops.crop_grid(batch, GRIPPER, depth.device)
    torch.testing.assert_close(got, 0.3 * grid[..., 0] - 0.2 * grid[..., 1] + 0.7, atol=1e-5, rtol=0)


def test_columns_run_along_the_closing_axis():
    depth, origin, cell = plane(1.0, 0.0, 0.7)
    level = ViewGrasps(torch.tensor([[0.0, 0.0, 0.7]]), torch.tensor([0.0]), torch.tensor([0.085]))
    crop = crops.surface_crops(depth, origin, cell, level, GRIPPER)[0]
    side = crops.EXTENT * GRIPPER.max_width
    assert (crop[0, -1] - crop[0, 0]).item() == pytest.approx(side * (1 - 1 / crops.SIZE), abs=1e-5)
    assert torch.allclose(crop[0], crop[-1], atol=1e-6)


def test_half_turn_of_the_jaws_turns_the_crop():
    depth, origin, cell = plane(0.3, -0.2, 0.7)
    depth = depth + 0.01 * torch.sin(torch.arange(200) / 9.0)
    batch = grasps(10)
    turned = ViewGrasps(batch.center, batch.angle + math.pi, batch.width)
    a = crops.surface_crops(depth, origin, cell, batch, GRIPPER)
    b = crops.surface_crops(depth, origin, cell, turned, GRIPPER)
    torch.testing.assert_close(a, b.flip(-1, -2), atol=1e-5, rtol=0)


def test_a_grasp_looks_the_same_wherever_the_object_stands_and_the_camera_looks_from():
    """The point of the orthographic view: the crop depends on the object alone."""

    def crop_of(x, y, tilt):
        view = view_of([box((x, y), (0.06, 0.04, 0.05))], overhead(tilt), margin=0.08)
        centre = overhead(tilt) @ [x, y, 0.04, 1]
        in_view = torch.tensor(view.T_cam_view[:3, :3].T @ centre[:3], dtype=torch.float32)
        grasp = ViewGrasps(in_view[None], torch.tensor([math.pi / 2]), torch.tensor([0.085]))
        surface = crops.surface_crops(view.depth, view.origin, view.cell, grasp, GRIPPER)
        return crops.normalise(surface, in_view[2:3], GRIPPER)[0, 0]

    straight = crop_of(0.0, 0.0, 0.0)
    for x, y, tilt in [(0.1, 0.05, 0.0), (0.0, 0.0, 0.3), (-0.08, 0.06, -0.2)]:
        difference = (crop_of(x, y, tilt) - straight).abs()
        assert difference.mean() < 0.04 and (difference > 0.2).float().mean() < 0.08  # the rim moves by a cell


def test_values_are_in_openings_relative_to_the_grasp_and_clipped():
    surface = torch.tensor([0.70, 0.70 + 0.0425, 2.0, 0.1]).view(1, 2, 2)
    relative = crops.normalise(surface, torch.tensor([0.7]), GRIPPER)
    torch.testing.assert_close(relative.flatten(), torch.tensor([0.0, 0.5, 1.0, -1.0]))


def test_a_gripper_of_twice_the_size_sees_a_scene_of_twice_the_size_alike():
    small, origin, cell = plane(0.2, 0.1, 0.7)
    twice = Gripper(max_width=2 * 0.085, jaw_thickness=0.02, jaw_width=0.044, jaw_length=0.12)
    one = ViewGrasps(torch.tensor([[0.01, 0.02, 0.7]]), torch.tensor([0.3]), torch.tensor([0.085]))
    two = ViewGrasps(2 * one.center, one.angle, 2 * one.width)
    a = crops.normalise(crops.surface_crops(small, origin, cell, one, Gripper()), one.center[:, 2], Gripper())
    large, origin2 = 2 * small, (2 * origin[0], 2 * origin[1])
    b = crops.normalise(crops.surface_crops(large, origin2, 2 * cell, two, twice), two.center[:, 2], twice)
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
    torch.testing.assert_close(crops.conditions(one.width, Gripper()), crops.conditions(two.width, twice))


def test_scene_helper_agrees_with_the_camera():
    depth, mask = render([box((0, 0), (0.05, 0.05, 0.05))])
    assert abs(depth[CAMERA.height // 2, CAMERA.width // 2] - (HEIGHT - 0.05)) < 1e-6 and mask.any()
