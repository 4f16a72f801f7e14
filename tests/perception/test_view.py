import numpy as np
import pytest
import torch
from scenes import CAMERA, HEIGHT, OVERHEAD, box, overhead, render

from antipodal.perception.view import fill_deepest, look_along, make_view

BOX = box((0.08, 0.05), (0.06, 0.04, 0.08), 0.3)  # off the axis, where parallax is large


def view_of(boxes, T_cam_table=OVERHEAD, margin=0.05):
    depth, mask = render(boxes, T_cam_table=T_cam_table)
    down = -T_cam_table[:3, 2]
    table = float(down @ T_cam_table[:3, 3])
    return make_view(torch.from_numpy(depth), CAMERA, torch.from_numpy(mask), down, table, margin)


@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_a_box_stands_upright_wherever_the_camera_is(tilt):
    """In the camera's image the top of a high box is shifted and enlarged; in the view it lies over its base."""
    T_cam_table = overhead(tilt)
    view = view_of([BOX], T_cam_table)
    T_table_box, half = BOX
    rows, columns = torch.nonzero(view.depth < view.table - 0.07, as_tuple=True)
    top = view.to_metres(torch.stack([columns, rows], -1).double()).numpy()
    top = np.column_stack([top, np.full(len(top), view.table - 0.08)])
    in_table = (top @ view.T_cam_view[:3, :3].T - T_cam_table[:3, 3]) @ T_cam_table[:3, :3]
    in_box = (in_table - T_table_box[:3, 3]) @ T_table_box[:3, :3]
    assert np.all(np.abs(in_box[:, :2]) < half[:2] + view.cell)
    whole_cells = (0.06 + view.cell) * (0.04 + view.cell)  # a cell counts when any part of it is covered
    assert len(top) * view.cell**2 == pytest.approx(whole_cells, rel=0.08)


def test_the_view_looks_along_the_approach():
    approach = np.array([0.2, -0.1, 0.9]) / np.linalg.norm([0.2, -0.1, 0.9])
    T = look_along(approach)
    np.testing.assert_allclose(T[:3, 2], approach)
    assert T[0, 0] > 0.9  # its x stays near the camera's


def test_cells_and_metres_are_inverse():
    view = view_of([BOX])
    xy = torch.rand(10, 2)
    torch.testing.assert_close(view.to_metres(view.to_cells(xy)), xy)


def test_lookup_takes_the_nearest_cell():
    view = view_of([BOX])
    cells = torch.tensor([[3.0, 5.0], [7.0, 2.0]])
    found = view.lookup(view.depth, view.to_metres(cells + 0.3))
    torch.testing.assert_close(found, view.depth[[5, 2], [3, 7]])


def test_graspable_is_the_mask_seen_from_above():
    view = view_of([BOX])
    seen = view.depth < HEIGHT - 0.07
    assert (view.graspable & seen).sum() > 0.9 * seen.sum()
    far_from_box = view.depth > HEIGHT - 0.001
    assert (view.graspable & far_from_box).sum() < 0.05 * far_from_box.sum()
    assert not view.lookup(view.graspable, torch.tensor([[9.0, 9.0], [-9.0, 0.0]])).any()


def test_cells_outside_the_image_are_known_to_be():
    view = view_of([box((0.16, 0), (0.04, 0.04, 0.04))], margin=0.1)  # the image ends at 0.21 m
    columns = view.to_metres(torch.stack([torch.arange(view.depth.shape[1]), torch.zeros(view.depth.shape[1])], -1))
    middle = view.inside[view.depth.shape[0] // 2]
    assert middle[columns[:, 0] < 0.2].all() and not middle[columns[:, 0] > 0.23].any()


def test_a_hole_takes_the_deepest_of_its_neighbourhood():
    depth = torch.full((64, 64), 0.6)
    depth[:, 32:] = 0.7
    observed = torch.ones(64, 64, dtype=torch.bool)
    observed[10:12, 10:12] = False  # within the near surface
    observed[40:50, 28:40] = False  # across the edge, as the shadow of what is near
    filled = fill_deepest(torch.where(observed, depth, torch.inf), observed)
    assert torch.equal(filled[observed], depth[observed])
    assert (filled[10:12, 10:12] == 0.6).all()
    assert (filled[40:50, 28:40] == 0.7).all()


def test_filling_reaches_across_any_gap():
    observed = torch.zeros(37, 53, dtype=torch.bool)
    observed[36, 52] = True
    filled = fill_deepest(torch.where(observed, 0.5, torch.inf), observed)
    assert (filled == 0.5).all()
