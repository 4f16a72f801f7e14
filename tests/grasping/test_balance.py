import numpy as np
import torch
from scenes import box

from antipodal.grasping.balance import distance_to_centroid
from tests.perception.test_view import view_of

TWO = view_of([box((-0.06, 0), (0.10, 0.03, 0.02)), box((0.06, 0), (0.06, 0.03, 0.02))])


def away(x, y):
    return TWO.lookup(distance_to_centroid(TWO), torch.tensor([[x, -y]])).item()


def test_every_object_has_its_own_middle():
    assert away(-0.06, 0) < 0.004 and away(0.06, 0) < 0.004
    assert abs(away(-0.10, 0) - 0.04) < 0.004 and abs(away(0.08, 0.01) - np.hypot(0.02, 0.01)) < 0.004


def test_what_may_not_be_grasped_has_no_middle():
    assert away(0.0, 0.05) == 0
