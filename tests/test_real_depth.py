"""Real depth images: noise, holes and furniture that no renderer thinks of."""

import cv2
import numpy as np
import pytest

from antipodal import resources, transforms
from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.perception.table import find_table
from antipodal.planner import GraspPlanner

MASKED = [f"phoxi_clutter_{i}" for i in (0, 2)] + [f"primesense_clutter_{i}" for i in (0, 2)]
MASKED += [f"primesense_single_{i}" for i in (0, 3, 6)]
RAW = [f"primesense_raw_{kind}_{i}" for kind in ("clamp", "multi") for i in (0, 10)]


def load(folder, name):
    depth, camera = np.load(folder / f"{name}.npy"), Camera.load(folder / f"{name}.json")
    mask = cv2.imread(str(folder / f"{name}_mask.png"), cv2.IMREAD_GRAYSCALE)
    return depth, camera, mask


@pytest.fixture(scope="module")
def planner() -> GraspPlanner:
    return GraspPlanner.load(resources.find("models/default.pt"), Gripper(), device="cpu")


def heights_between_jaws(grasp, depth, camera, table):
    """Heights above the table of what lies between the jaws."""
    v, u = np.nonzero(depth > 0)
    cloud = camera.deproject(np.stack([u, v], -1), depth[v, u].astype(float))
    local = transforms.apply(transforms.invert(grasp.T_cam_grasp), cloud)
    between = (np.abs(local[:, 0]) < 0.011) & (np.abs(local[:, 1]) < grasp.width / 2)
    return table.height(cloud[between])


CASES = [(name, True) for name in MASKED] + [(name, False) for name in RAW + MASKED[:2]]


@pytest.mark.parametrize("name, masked", CASES)
def test_jaws_straddle_something_that_stands_on_the_table(real_depth_folder, planner, name, masked):
    depth, camera, mask = load(real_depth_folder, name)
    plan = planner.plan(depth, camera, mask if masked else None)
    table = find_table(depth, camera, np.random.default_rng(0), None if mask is None else mask == 0)
    for grasp in [plan[0], *(g for g in plan if g.quality > 0.5)]:
        u, v = np.round(grasp.center_px).astype(int)
        assert 0 <= u < camera.width and 0 <= v < camera.height
        heights = heights_between_jaws(grasp, depth, camera, table)
        tips = table.height(grasp.T_cam_grasp[:3, 3])
        assert tips > 0  # above the table
        assert (heights > tips + 0.002).any()  # something reaches up between the jaws
        assert grasp is not plan[0] or (heights > tips + 0.002).mean() > 0.02
        assert grasp.T_cam_grasp[:3, 2] @ table.normal > np.cos(np.radians(4))


@pytest.mark.parametrize("name", MASKED[:2])
def test_the_walls_of_a_bin_are_not_grasped(real_depth_folder, planner, name):
    depth, camera, mask = load(real_depth_folder, name)
    near_objects = (
        cv2.dilate((mask > 0).astype(np.uint8), np.ones((41, 41), np.uint8)) > 0
    )  # 3 cm; the walls are further off
    for grasp in planner.plan(depth, camera):
        u, v = np.round(grasp.center_px).astype(int)
        assert near_objects[v, u]


def test_holes_are_no_reason_to_fail(real_depth_folder, planner):
    depth, camera, mask = load(real_depth_folder, MASKED[-1])
    rng = np.random.default_rng(0)
    depth = np.where(rng.random(depth.shape) < 0.3, 0, depth).astype(np.float32)
    assert len(planner.plan(depth, camera, mask)) > 0
