import torch
from scenes import CAMERA, OVERHEAD, box, render

from antipodal import transforms
from antipodal.grasp import Gripper
from antipodal.networks import crops
from antipodal.sim.geometric import GeometricScore, geometric_planner

CONDITIONS = torch.tensor([[1.0, 0.12, 0.26, 0.7]])


def bar(width, shift=0, turn=False):
    """A crop of a bar across the closing axis, a third of an opening high above the tips."""
    crop = torch.full((1, 1, crops.SIZE, crops.SIZE), 0.2)
    middle = crops.SIZE // 2
    crop[..., middle - width // 2 + shift : middle + width // 2 + shift] = -0.3
    return crop.transpose(2, 3) if turn else crop


def score(crop):
    return GeometricScore()(crop, CONDITIONS).item()


def test_a_bar_across_the_jaws_beats_all_else():
    good = score(bar(8))
    assert good > score(bar(8, shift=5))  # off centre
    assert good > score(torch.full((1, 1, crops.SIZE, crops.SIZE), 0.2))  # nothing there
    shallow = bar(8)
    shallow[shallow < 0] = -0.05
    assert good > score(shallow)
    slanted = bar(8)
    for i in range(crops.SIZE):
        slanted[0, 0, i] = slanted[0, 0, i].roll(i - crops.SIZE // 2)
    assert good > score(slanted)


def test_mirror_images_score_alike():
    crop = torch.rand(1, 1, crops.SIZE, crops.SIZE, generator=torch.Generator().manual_seed(0)) - 0.5
    for axes in ((2,), (3,), (2, 3)):
        assert abs(score(crop) - score(crop.flip(axes))) < 1e-4


def test_its_best_grasp_is_across_the_middle_of_a_bar():
    thing = box((0.02, -0.01), (0.12, 0.03, 0.04), 0.5)
    depth, mask = render([thing])
    T_cam_grasp = geometric_planner(Gripper()).plan(depth, CAMERA, mask)[0].T_cam_grasp
    T_bar_grasp = transforms.invert(OVERHEAD @ thing[0]) @ T_cam_grasp
    assert abs(T_bar_grasp[1, 1]) > 0.95 and abs(T_bar_grasp[0, 3]) < 0.02
