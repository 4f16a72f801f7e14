"""The generator's samples as a plain loop over trimesh: its rays for images, antipodal pairs and pads, its surface
points for collision, numpy for noise, scipy for crops. The generator does more, in the loop's favour: objects turn
between the jaws, images become orthographic views, and samples are written."""

from __future__ import annotations

import time
from typing import Dict

import numpy as np
import trimesh
from scipy import ndimage

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import Gripper
from antipodal.synth import sample, scene
from antipodal.synth.images import scene_view
from antipodal.synth.images.cameras import sample_camera
from antipodal.synth.images.noise import NoiseOptions
from antipodal.synth.labels import labels

POINTS = 5000  # surface points that the gripper may run into
FRICTION = 0.6  # cone of antipodal pairs


def with_engine(placed: scene.TableScene, embree: bool) -> trimesh.Trimesh:
    """The scene's mesh with trimesh's Embree rays, or with the ones in numpy that it falls back on."""
    mesh = trimesh.Trimesh(placed.vertices, placed.faces, process=False)
    module = trimesh.ray.ray_pyembree if embree else trimesh.ray.ray_triangle
    mesh.ray = module.RayMeshIntersector(mesh)
    return mesh


def measure(setup: sample.Setup, which: int, embree: bool, grasps: int, views: int = 1) -> Dict[str, float]:
    """CPU seconds of one pose of an object by stages, for the run's numbers of grasps and views, each stage measured on
    so many `grasps` and `views`."""
    o, rng = setup.options, np.random.default_rng(which)
    seconds = {}
    began = time.process_time()
    placed = sample.place_object(setup.objects[which], 0, setup)
    mesh = with_engine(placed, embree)
    points = trimesh.sample.sample_surface(mesh, POINTS, seed=0)[0]
    seconds["place"] = time.process_time() - began
    began = time.process_time()
    poses = antipodal(mesh, setup.gripper, grasps, rng)
    seconds["candidates"] = (time.process_time() - began) * o.grasps / len(poses)
    began, errors = time.process_time(), labels.draw_errors(rng, o.labels)
    for pose in poses:
        robust_label(mesh, points, setup.gripper, pose, errors)
    seconds["labels"] = (time.process_time() - began) * o.grasps / len(poses)
    began = time.process_time()
    for _ in range(views):
        depth, window, T_cam_table = image(mesh, placed, setup, rng)
        noisy = disturb(rng, depth, window, o.noise)
    seconds["images"] = (time.process_time() - began) * o.views / views
    began = time.process_time()
    for pose in poses:
        crop(noisy, window, T_cam_table, setup.gripper, pose)
    seconds["crops"] = (time.process_time() - began) * o.views * o.grasps / len(poses)
    return seconds


def antipodal(mesh: trimesh.Trimesh, gripper: Gripper, count: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `count` grasps (N, 5), tips, angle and opening, on pairs that rays from surface points meet; at least one,
    by chance."""
    tries = 8 * count
    start, face = trimesh.sample.sample_surface(mesh, tries, seed=int(rng.integers(1 << 30)))
    normal = mesh.face_normals[face]
    angle = np.arctan2(-normal[:, 1], -normal[:, 0]) + rng.uniform(-1, 1, tries) * np.arctan(FRICTION)
    axis = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(tries)])
    met, ray, other = mesh.ray.intersects_location(start + 1e-5 * axis, axis, multiple_hits=True)
    along = np.einsum("nk,nk->n", met - start[ray], axis[ray])
    facing = np.einsum("nk,nk->n", mesh.face_normals[other], axis[ray]) > np.cos(np.arctan(FRICTION))
    good = np.flatnonzero(facing & (along > 1e-3) & (along < gripper.max_width))
    good = good[np.unique(ray[good], return_index=True)[1]][:count]
    if not len(good):
        return np.array([[*start[0], angle[0], gripper.max_width]])
    middle, width = (start[ray[good]] + met[good]) / 2, np.full(len(good), gripper.max_width)
    return np.column_stack([middle, angle[ray[good]], width])


def robust_label(mesh, points: np.ndarray, gripper: Gripper, pose: np.ndarray, errors: np.ndarray) -> float:
    """Share of the draws in which nothing is hit and the friction is enough."""
    held = 0
    for dx, dy, dz, turn, friction in errors:
        angle = pose[3] + turn
        closing, across = np.array([np.cos(angle), np.sin(angle), 0]), np.array([np.sin(angle), -np.cos(angle), 0])
        tips = pose[:3] + dy * closing + dx * across + [0, 0, dz]
        free = not hits(points, gripper, tips, closing, across, pose[4])
        held += free and needed_friction(mesh, gripper, tips, closing, across) <= friction
    return held / len(errors)


def hits(points: np.ndarray, gripper: Gripper, tips, closing, across, width: float) -> bool:
    """Whether a surface point lies in the boxes that jaws and palm sweep on the way down."""
    local = points - tips
    v, u, z = np.abs(local @ closing), np.abs(local @ across), local[:, 2]
    jaws = (np.abs(v - (width + gripper.jaw_thickness) / 2) < gripper.jaw_thickness / 2) & (u < gripper.jaw_width / 2)
    palm_x, palm_y = gripper.palm_size
    palm = (v < palm_y / 2) & (u < palm_x / 2) & (z > gripper.jaw_length)
    return bool((jaws & (z > 0) | palm).any() or tips[2] < 0)


def needed_friction(mesh, gripper: Gripper, tips, closing, across) -> float:
    """Least friction of the contacts that a grid of rays from both pads meets first."""
    u, z = np.meshgrid(np.arange(-5, 6) * 0.002, np.arange(0, gripper.pad_length, 0.0025))
    pad = tips + u.reshape(-1, 1) * across + z.reshape(-1, 1) * np.array([0, 0, 1.0])
    worst = 0.0
    for side in (-1, 1):
        start = pad + side * gripper.max_width / 2 * closing
        inward = np.tile(-side * closing, (len(start), 1))
        met, ray, face = mesh.ray.intersects_location(start, inward, multiple_hits=False)
        if not len(met):
            return np.inf
        first = np.argmin(np.einsum("nk,k->n", start[ray] - met, side * closing))
        along = abs(mesh.face_normals[face[first]] @ closing)
        worst = max(worst, np.sqrt(max(0.0, 1 - along**2)) / max(along, 1e-3))
    return worst


def image(mesh, placed: scene.TableScene, setup: sample.Setup, rng: np.random.Generator):
    """Depth (H, W) of the object's window on its table by a ray a pixel, the window, and T_cam_table."""
    drawn, T_cam_table = sample_camera(rng, setup.camera, setup.options.cameras)
    T_cam_view = scene_view.look_along(-T_cam_table[:3, 2])
    T_view_table = transforms.invert(T_cam_view) @ T_cam_table
    bounds = scene_view._bounds(placed, T_view_table, setup.options.view.margin * setup.gripper.max_width)
    window = scene_view.window_around(drawn, T_cam_view, bounds, placed.height, T_view_table[2, 3])
    v, u = np.mgrid[: window.height, : window.width]
    T_table_cam = transforms.invert(T_cam_table)
    rays = window.deproject(np.stack([u, v], axis=-1).reshape(-1, 2).astype(float), 1.0) @ T_table_cam[:3, :3].T
    eye = T_table_cam[:3, 3]
    depth = -eye[2] / rays[:, 2]  # the table's
    met, ray, _ = mesh.ray.intersects_location(np.broadcast_to(eye, rays.shape), rays, multiple_hits=False)
    depth[ray] = transforms.apply(T_cam_table, met)[:, 2]
    return depth.reshape(u.shape), window, T_cam_table


def disturb(rng: np.random.Generator, depth: np.ndarray, camera: Camera, o: NoiseOptions) -> np.ndarray:
    """The generator's noise in numpy."""
    coarse = rng.normal(scale=o.correlated_sd, size=[int(n / o.correlation) + 2 for n in depth.shape])
    smooth = 1.5 * ndimage.zoom(coarse, o.correlation, order=1)[: depth.shape[0], : depth.shape[1]]  # means vary less
    noisy = depth * rng.gamma(o.gamma_shape, 1 / o.gamma_shape)
    noisy += (noisy / o.reference) ** 2 * (smooth + rng.normal(scale=o.pixel_sd, size=depth.shape))
    noisy = 1 / (o.disparity_step * np.rint(1 / (o.disparity_step * noisy)))
    step = np.maximum.reduce([np.abs(depth - np.roll(depth, s, axis)) for s in (-1, 1) for axis in (0, 1)])
    edge = (step > o.edge_jump) | (step * camera.fx > o.grazing * depth)
    column = np.arange(depth.shape[1]) - camera.fx * o.baseline / depth
    nearest = np.minimum.accumulate(column[:, ::-1], axis=1)[:, ::-1]
    lost = (rng.random(depth.shape) < np.where(edge, o.edge_loss, o.speckle_loss)) | (column > nearest + 0.5)
    noisy[lost] = 0
    return noisy


def crop(depth: np.ndarray, window: Camera, T_cam_table: np.ndarray, gripper: Gripper, pose: np.ndarray) -> np.ndarray:
    """(32, 32) around the grasp by a warp of the image, relative to its depth."""
    at = transforms.apply(T_cam_table, pose[None, :3])
    axis = T_cam_table[:3, :2] @ [np.cos(pose[3]), np.sin(pose[3])]
    (u, v), z, angle = window.project(at)[0], at[0, 2], np.arctan2(axis[1], axis[0])
    scale = 1.5 * gripper.max_width * window.fx / z / 32
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[c, s], [-s, c]])
    offset = np.array([v, u]) - turn @ [15.5, 15.5]
    warped = ndimage.affine_transform(depth, turn, offset, output_shape=(32, 32), order=1, mode="nearest")
    return np.clip((warped - z) / gripper.max_width, -1, 1)
