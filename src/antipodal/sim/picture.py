"""Pictures of picks: a grasp on the depth image, the gripper at the grasp, contact sheets of failures."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np
import trimesh

from antipodal import transforms
from antipodal.camera import Camera
from antipodal.grasp import Grasp, Hand
from antipodal.grasping import draw
from antipodal.grasping.hand_shapes import Cylinder, solids_of
from antipodal.sim.cell import Cell
from antipodal.sim.objects import join
from antipodal.sim.solids import unit_normals
from antipodal.synth.images.render import render_faces

THUMBNAIL = 180  # pixels a side
AROUND = 0.2  # side of the area that a thumbnail shows [m]
LINE, MOST_LINES = 32, 5  # characters of a line of the reason, and lines
COLUMNS, MOST = 10, 100  # of a contact sheet
EYE_DISTANCE, EYE_ELEVATION = 0.42, 0.6  # of the viewpoint [m, rad]
BACKGROUND = (250, 250, 250)
TABLE, WALLS, JAWS, PALM = (225, 222, 216), (205, 200, 190), (70, 78, 92), (120, 128, 140)
OBJECTS = ((86, 140, 196), (214, 132, 74), (106, 170, 108), (196, 98, 108), (150, 120, 180), (190, 170, 80))


class Coloured(NamedTuple):
    """A mesh in the world and its colour."""

    vertices: np.ndarray  # (V, 3) [m]
    faces: np.ndarray  # (F, 3)
    colour: Tuple[int, int, int]


def pick_picture(
    cell: Cell, depth: np.ndarray, grasp: Grasp, candidates: Sequence[Grasp] = (), title: str = ""
) -> np.ndarray:
    """Side by side (H, 2 W, 3) uint8 RGB: the depth image (H, W) with the grasp and the candidates, and the gripper at
    the grasp, seen from beside the table. Take it before the pick is executed."""
    left = draw.overlay(depth, cell.camera, [grasp], cell.hand_of(grasp.kind), candidates)
    right = view_of_gripper(cell, grasp, (left.shape[0], left.shape[1]))
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(left, title, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, thickness, cv2.LINE_AA)
    return np.concatenate([left, right], axis=1)


def view_of_gripper(cell: Cell, grasp: Grasp, shape: Tuple[int, int]) -> np.ndarray:
    """The scene with the gripper or the cup at a grasp (H, W, 3) uint8 RGB, seen across the closing axis from above."""
    T_world_grasp = cell.T_world_cam @ grasp.T_cam_grasp
    parts = _hand_meshes(cell.hand_of(grasp.kind), grasp.width, T_world_grasp)
    meshes = [_table_mesh(), *_room_meshes(cell), *_object_meshes(cell), *parts]
    return _shade(meshes, _eye(T_world_grasp), shape)


def view_of_hand(cell: Cell, kind: str, held: Optional[int], shape: Tuple[int, int]) -> np.ndarray:
    """The hand of a kind where it is now, with the object that it held (H, W, 3) uint8 RGB."""
    hand = cell.moving_hand(kind)
    T_world_hand = transforms.compose(hand.orientation(), hand.position())
    shown = sorted({*cell.remaining(), *([] if held is None else [held])})
    parts = _hand_meshes(cell.hand_of(kind), hand.width(), T_world_hand)
    return _shade([_table_mesh(), *_room_meshes(cell), *_object_meshes(cell, shown), *parts], _eye(T_world_hand), shape)


def view_of_table(cell: Cell, T_world_grasp: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """As `view_of_gripper`, without the gripper."""
    return _shade([_table_mesh(), *_room_meshes(cell), *_object_meshes(cell)], _eye(T_world_grasp), shape)


def object_picture(mesh: trimesh.Trimesh, side: int = THUMBNAIL) -> np.ndarray:
    """An object alone (side, side, 3) uint8 RGB, from above and beside."""
    middle, size = mesh.bounds.mean(axis=0), float(np.linalg.norm(np.ptp(mesh.bounds, axis=0)))
    away = np.array([0.55, -0.65, 0.52]) / np.linalg.norm([0.55, -0.65, 0.52])
    R = transforms.rotation_to(-away, np.cross([0.0, 0.0, 1.0], away))
    body = Coloured(np.asarray(mesh.vertices) - middle, np.asarray(mesh.faces), OBJECTS[0])
    return _shade([body], transforms.compose(R, 1.35 * size * away), (side, side))


def place_shown(cell: Cell, grasp: Optional[Grasp]) -> np.ndarray:
    """Where (3,) [m] in the camera's frame the picture of a pick is centred: at the grasp; without one at the object
    nearest to the table's middle."""
    if grasp is not None:
        return grasp.T_cam_grasp[:3, 3]
    places = [cell.pose(i)[:3, 3] for i in cell.remaining()] or [np.zeros(3)]
    place = min(places, key=lambda p: float(np.linalg.norm(p)))
    return transforms.apply(transforms.invert(cell.T_world_cam), place[None])[0]


def failure_picture(
    depth: np.ndarray,
    camera: Camera,
    grasp: Optional[Grasp],
    hand: Hand,
    middle: np.ndarray,
    label: str = "",
    reason: str = "",
) -> np.ndarray:
    """Thumbnail (THUMBNAIL, THUMBNAIL, 3) uint8 RGB of a depth image around a place (3,) [m] in the camera's frame,
    with the grasp, a label above, and the reason below."""
    image = draw.overlay(depth, camera, [] if grasp is None else [grasp], hand)
    z, (u, v) = float(middle[2]), camera.project(middle)
    scale = THUMBNAIL * z / (AROUND * camera.fx)
    window = np.array([[scale, 0, THUMBNAIL / 2 - scale * u], [0, scale, THUMBNAIL / 2 - scale * v]])
    image = cv2.warpAffine(image, window, (THUMBNAIL, THUMBNAIL), flags=cv2.INTER_LINEAR)
    lines = textwrap.wrap(reason, LINE)[:MOST_LINES]
    rows = [(label, 11), *((line, THUMBNAIL - 4 - 11 * k) for k, line in enumerate(reversed(lines)))]
    for text, row in rows:
        for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(image, text, (3, row), cv2.FONT_HERSHEY_SIMPLEX, 0.32, colour, thickness, cv2.LINE_AA)
    return image


def contact_sheet(files: Sequence[Path]) -> np.ndarray:
    """The first MOST thumbnails of files in one picture (H, W, 3) uint8 RGB, COLUMNS in a row."""
    tiles = [cv2.imread(str(file))[..., ::-1] for file in files[:MOST]]
    if not tiles:
        tiles = [np.full((THUMBNAIL, THUMBNAIL, 3), BACKGROUND, np.uint8)]
    blank = np.full_like(tiles[0], BACKGROUND)
    tiles += [blank] * (-len(tiles) % min(COLUMNS, len(tiles)))
    columns = min(COLUMNS, len(tiles))
    rows = [np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows, axis=0)


def _eye(T_world_grasp: np.ndarray) -> np.ndarray:
    """`T_world_eye` (4, 4) beside the grasp, with the closing axis across the picture."""
    across = T_world_grasp[:3, 1] * [1, 1, 0]
    beside = np.cross(across, [0, 0, 1]) if np.linalg.norm(across) > 1e-6 else np.array([0.0, -1.0, 0.0])
    beside /= np.linalg.norm(beside)
    away = np.cos(EYE_ELEVATION) * beside + np.sin(EYE_ELEVATION) * np.array([0.0, 0.0, 1.0])
    position = T_world_grasp[:3, 3] + EYE_DISTANCE * away
    return transforms.compose(transforms.rotation_to(-away, np.cross([0.0, 0.0, 1.0], beside)), position)


def _shade(meshes: List[Coloured], T_world_eye: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """Lambert shading by a light beside the eye, drawn at twice the size and averaged for smooth edges."""
    height, width = 2 * shape[0], 2 * shape[1]
    eye = Camera(1.2 * height, 1.2 * height, width / 2 - 0.5, height / 2 - 0.5, width, height)
    vertices, faces = join((m.vertices, m.faces) for m in meshes)
    seen = transforms.apply(transforms.invert(T_world_eye), vertices)
    _, index = render_faces(seen, faces, eye)
    colours = np.repeat([m.colour for m in meshes], [len(m.faces) for m in meshes], axis=0)
    normals = unit_normals(seen[faces])
    light = np.abs(normals @ (np.array([0.35, -0.45, -1.0]) / np.linalg.norm([0.35, -0.45, 1.0])))
    lit = np.vstack([colours * (0.35 + 0.65 * light[:, None]), BACKGROUND])
    image = np.ascontiguousarray(lit[np.where(index >= 0, index, -1)].astype(np.uint8))
    return cv2.resize(image, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)


def _object_meshes(cell: Cell, shown: Optional[Sequence[int]] = None) -> List[Coloured]:
    """Those of the objects `shown`; of all within reach when not given."""
    shown = cell.remaining() if shown is None else shown
    surfaces = [(cell.pose(i), *cell.bodies[i].surface(), OBJECTS[i % len(OBJECTS)]) for i in shown]
    return [Coloured(transforms.apply(T, v), f, colour) for T, v, f, colour in surfaces]


def _table_mesh() -> Coloured:
    corners = 0.6 * np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    return Coloured(corners, np.array([[0, 1, 2], [0, 2, 3]]), TABLE)


def _room_meshes(cell: Cell) -> List[Coloured]:
    """Low parts of a room, such as a bin's walls; what is higher would hide the objects."""
    low = [part for part in cell.room[1:] if part.kind == "tray"]
    return [Coloured(*part.mesh(), WALLS) for part in low]


def _hand_meshes(hand: Hand, width: float, T_world_grasp: np.ndarray) -> List[Coloured]:
    """The solids that the world is built of, the jaws open to `width`; what touches objects is darker."""
    found = []
    for name, part in solids_of(hand, width).items():
        if isinstance(part, Cylinder):
            mesh = trimesh.creation.cylinder(part.radius, part.size[2], sections=32)
        else:
            mesh = trimesh.creation.box(part.size)
        colour = JAWS if name in ("jaw_left", "jaw_right", "cup") else PALM
        vertices = transforms.apply(T_world_grasp, mesh.vertices + part.center)
        found.append(Coloured(vertices, np.asarray(mesh.faces), colour))
    return found
