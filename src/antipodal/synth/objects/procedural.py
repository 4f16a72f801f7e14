"""Objects made from numbers: boxes, lathed and swept shapes, superquadrics, cups, rings, cutlery and unions.

Nearly every shape is a loft: a stack of rings of points, joined into a closed surface. Each comes with convex parts
that make it up, which is what a physics engine needs.
"""

from __future__ import annotations

from typing import Any, Callable, List, Tuple

import numpy as np
import trimesh

from antipodal import transforms

Shape = Tuple[trimesh.Trimesh, List[trimesh.Trimesh]]  # surface, convex parts
GRASPABLE = 0.075  # unions are shrunk to be thinner than this along an axis [m]; the other families are made so


def procedural(index: int, seed: int = 0) -> trimesh.Trimesh:
    """The mesh (metres, watertight, outward normals) with this index in the series of this seed.

    `mesh.metadata["parts"]` lists convex meshes whose union it is, `["family"]` names its kind. A union's surface is
    its closed parts laid into each other, not their boolean union: rays and depth images from outside are the same.
    """
    rng = np.random.default_rng([seed, index])
    family = FAMILIES[index % len(FAMILIES)]
    mesh, parts = family(rng)
    mesh.metadata.update(parts=parts, family=family.__name__, name=f"procedural_{seed}_{index:05d}")
    return mesh


def loft(rings: np.ndarray, closed: bool = False) -> trimesh.Trimesh:
    """Closed surface through rings (n, k, 3) [m] of points; open ends are covered, or the last joins the first."""
    n, k = rings.shape[:2]
    i, j = np.meshgrid(np.arange(n if closed else n - 1), np.arange(k), indexing="ij")
    a, b = (i * k + j).ravel(), (i * k + (j + 1) % k).ravel()
    c, d = ((i + 1) % n * k + (j + 1) % k).ravel(), ((i + 1) % n * k + j).ravel()
    faces = [np.stack([a, b, c], 1), np.stack([a, c, d], 1)]
    points = rings.reshape(-1, 3)
    if not closed:
        ring = np.arange(k)
        faces += [np.stack([np.full(k, n * k), np.roll(ring, -1), ring], 1)]
        faces += [np.stack([np.full(k, n * k + 1), (n - 1) * k + ring, (n - 1) * k + np.roll(ring, -1)], 1)]
        points = np.vstack([points, rings[0].mean(0), rings[-1].mean(0)])
    mesh = trimesh.Trimesh(points, np.concatenate(faces), process=True)
    mesh.update_faces(mesh.nondegenerate_faces())
    if mesh.volume < 0:
        mesh.invert()
    return mesh


def slabs(rings: np.ndarray, closed: bool = False) -> List[trimesh.Trimesh]:
    """Hulls of each two neighbouring rings (n, k, 3): the convex parts of a loft whose rings are convex."""
    following = np.roll(rings, -1, axis=0)
    count = len(rings) if closed else len(rings) - 1
    return [hull(np.concatenate([rings[i], following[i]])) for i in range(count)]


def hull(points: np.ndarray) -> trimesh.Trimesh:
    return trimesh.convex.convex_hull(points)


def circles(radius: np.ndarray, height: np.ndarray, sides: int = 32) -> np.ndarray:
    """Rings (n, sides, 3) around z of the given radii and heights (n,) [m]."""
    t = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([np.cos(t), np.sin(t)], axis=1)
    return np.concatenate(
        [radius[:, None, None] * ring, np.broadcast_to(height[:, None, None], (len(radius), sides, 1))], 2
    )


def cuboid(rng: np.random.Generator) -> Shape:
    size = np.sort(rng.uniform([0.01, 0.02, 0.03], [0.07, 0.1, 0.16]))
    mesh = trimesh.creation.box(rng.permutation(size))
    return mesh, [mesh.copy()]


def plate(rng: np.random.Generator) -> Shape:
    """A card, sponge or thin cuboid, its corners rounded."""
    half = np.array([rng.uniform(0.015, 0.036), rng.uniform(0.03, 0.09)])
    thick, power = rng.uniform(0.003, 0.02), rng.uniform(2.5, 12)
    t = 2 * np.pi * np.arange(40) / 40
    outline = half * np.sign([np.cos(t), np.sin(t)]).T * np.abs([np.cos(t), np.sin(t)]).T ** (2 / power)
    rings = np.stack([np.column_stack([outline, np.full(40, z)]) for z in (0, thick)])
    return loft(rings), slabs(rings)


def prism(rng: np.random.Generator) -> Shape:
    """A rod or cylinder of 3 to 40 sides, perhaps tapered."""
    sides, radius = int(rng.choice([3, 4, 5, 6, 8, 40, 40])), rng.uniform(0.005, 0.036)
    taper, height = rng.choice([1.0, rng.uniform(0.3, 1.0)]), rng.uniform(0.015, 0.16)
    rings = circles(radius * np.array([1.0, taper]), np.array([0.0, height]), sides)
    return loft(rings), slabs(rings)


def lathe(rng: np.random.Generator) -> Shape:
    """A bottle, pawn or knob: a smooth random profile turned about z."""
    n = rng.integers(4, 9)
    height = np.linspace(0, rng.uniform(0.03, 0.16), 3 * n)
    knots = rng.uniform(0.25, 1.0, n) * rng.uniform(0.015, 0.037)
    radius = np.interp(np.linspace(0, n - 1, 3 * n), np.arange(n), knots)
    radius = np.convolve(np.pad(radius, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    rings = circles(radius, height)
    return loft(rings), slabs(rings)


def superquadric(rng: np.random.Generator) -> Shape:
    e1, e2 = rng.uniform(0.15, 1.6, 2)
    half = rng.uniform([0.008, 0.012, 0.02], [0.036, 0.05, 0.07])
    power = lambda x, e: np.sign(x) * np.abs(x) ** e  # noqa: E731
    lat, lon = np.linspace(-np.pi / 2, np.pi / 2, 24)[1:-1], 2 * np.pi * np.arange(32) / 32
    x = power(np.cos(lat), e1)[:, None] * power(np.cos(lon), e2) * half[0]
    y = power(np.cos(lat), e1)[:, None] * power(np.sin(lon), e2) * half[1]
    z = np.broadcast_to(power(np.sin(lat), e1)[:, None] * half[2], x.shape)
    mesh = loft(np.stack([x, y, z], axis=2))
    return mesh, [hull(mesh.vertices)]


def cup(rng: np.random.Generator) -> Shape:
    """A cup or bowl: a floor and a thin flaring wall."""
    low, high = np.sort(rng.uniform(0.02, 0.05, 2))
    height, wall, floor = rng.uniform(0.02, 0.11), rng.uniform(0.002, 0.005), rng.uniform(0.002, 0.005)
    start = low + (high - low) * floor / height  # the wall's outer radius at the floor's top
    radius = np.array([low, start, high, high - wall, start - wall])
    rings = circles(radius, np.array([0, floor, height, height, floor]), 24)
    staves = [hull(np.concatenate([rings[1:, j], rings[1:, (j + 1) % 24]])) for j in range(24)]
    return loft(rings), [hull(rings[:2].reshape(-1, 3)), *staves]


def ring(rng: np.random.Generator) -> Shape:
    """A ring or a roll of tape, of rectangular section."""
    outer, height = rng.uniform(0.015, 0.045), rng.uniform(0.004, 0.04)
    inner = outer - rng.uniform(0.003, 0.012)
    section = np.array([[inner, 0], [outer, 0], [outer, height], [inner, height]])
    t = 2 * np.pi * np.arange(24) / 24
    radial = np.stack([np.cos(t), np.sin(t), np.zeros(24)], axis=1)
    rings = section[None, :, :1] * radial[:, None] + section[None, :, 1:] * np.array([0, 0, 1.0])
    return loft(rings, closed=True), slabs(rings, closed=True)


def sweep(line: np.ndarray, width: np.ndarray, thick: np.ndarray) -> Shape:
    """A flat strip along the points (n, 3) [m] of a line near the xy plane, with its widths and thicknesses (n,)."""
    along = np.gradient(line, axis=0)
    side = np.cross([0, 0, 1.0], along)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    across, up = side * width[:, None] / 2, np.array([0, 0, 1.0]) * thick[:, None] / 2
    rings = np.stack([line + across + up, line - across + up, line - across - up, line + across - up], axis=1)
    return loft(rings), slabs(rings)


def cutlery(rng: np.random.Generator) -> Shape:
    """A knife, spoon or spatula: a slim handle that widens to a head, bent a little up and down."""
    n, length = 14, rng.uniform(0.08, 0.2)
    s = np.linspace(0, 1, n)
    bend = rng.uniform(0, 0.008) * np.sin(2 * np.pi * s * rng.uniform(0.5, 1))
    head = np.exp(-(((s - rng.uniform(0.75, 0.9)) / rng.uniform(0.1, 0.25)) ** 2))
    width = rng.uniform(0.008, 0.018) + rng.uniform(0, 0.03) * head
    thick = rng.uniform(0.003, 0.009) * (1 - rng.uniform(0, 0.6) * head)
    return sweep(np.column_stack([s * length, np.zeros(n), bend]), width, thick)


def bracket(rng: np.random.Generator) -> Shape:
    """A bar bent in its plane: L, U, S, hook."""
    n, turn = 16, rng.uniform(-0.35, 0.35, 2)
    heading = np.cumsum(np.where(np.arange(n) < n // 2, turn[0], turn[1]))
    steps = rng.uniform(0.006, 0.01) * np.column_stack([np.cos(heading), np.sin(heading), np.zeros(n)])
    inner = 1.6 * 0.006 / max(0.16, np.abs(turn).max())  # a bend must not fold over itself
    width = np.full(n, min(rng.uniform(0.008, 0.025), inner))
    return sweep(np.cumsum(steps, axis=0), width, np.full(n, rng.uniform(0.006, 0.04)))


def union(rng: np.random.Generator) -> Shape:
    """Two to four simple shapes stuck into each other."""
    makers = (cuboid, prism, lathe, superquadric, bracket)
    shapes = [makers[rng.integers(len(makers))](rng) for _ in range(rng.integers(2, 5))]
    scale = rng.uniform(0.45, 0.8)
    for mesh, parts in shapes:
        move = transforms.compose(trimesh.transformations.random_rotation_matrix(rng.random(3))[:3, :3], np.zeros(3))
        move[:3, 3] = rng.normal(scale=0.018, size=3) - move[:3, :3] @ mesh.bounds.mean(axis=0) * scale
        move[:3, :3] *= scale
        for piece in (mesh, *parts):
            piece.apply_transform(move)
    whole: Any = trimesh.util.concatenate([s[0] for s in shapes])
    parts = [p for s in shapes for p in s[1]]
    shrink = min(1.0, GRASPABLE / whole.extents.min())
    for each in (whole, *parts):
        each.apply_scale(shrink)
    return whole, parts


FAMILIES: Tuple[Callable[[np.random.Generator], Shape], ...] = (
    cuboid,
    lathe,
    union,
    plate,
    superquadric,
    cutlery,
    prism,
    cup,
    bracket,
    union,
    ring,
)
