"""Measures how well the generator's labels agree with physics: executes grasps of all labels in the simulated cell.

python benchmarks/labels.py --meshes DIR|procedural[:N] [--only NAMES] [--objects 60] [--picks 10] [--clutter K]
Each pick is disturbed by one draw of the errors that its label averages, friction included. So the share of picks that
hold should equal the label, and a pick labelled 0.5 is a coin toss. The ceiling is the AUC if every pick held with
exactly the probability of its label. With --repeats each grasp is executed that many times, and the labels are also
compared with the majority of the outcomes.
Intervals are bootstrapped over objects, since picks of one object are not independent.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from pathlib import Path
from typing import Callable, Dict, List, Sequence

import numpy as np
from tqdm import tqdm

from antipodal import transforms
from antipodal.errors import AntipodalError
from antipodal.files import read_names, write_json
from antipodal.grasp import Gripper
from antipodal.sim.cell import Cell
from antipodal.sim.objects import body_from_mesh, join
from antipodal.sim.world import JAWS
from antipodal.synth.grasps.candidates import sample_grasps
from antipodal.synth.labels.labels import QUALITIES, LabelOptions, draw_errors, label_grasps
from antipodal.synth.objects.meshes import NamedMesh, mesh_source
from antipodal.synth.scene import TableScene, build_scene
from antipodal.synth.table_grasps import TableGrasps
from antipodal.training.metrics import reliability, roc_auc

BINS = 5
CANDIDATES = 200  # labelled grasps that an object's picks are chosen from
RESAMPLES = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meshes", default="procedural:2000")
    parser.add_argument("--only", type=Path, help="file with the names of the meshes to use, one a line")
    parser.add_argument("--gripper", type=Path)
    parser.add_argument("--objects", type=int, default=60, help="or heaps")
    parser.add_argument("--picks", type=int, default=10, help="an object, or a heap")
    parser.add_argument("--clutter", type=int, default=1, help="objects dropped together into a heap")
    parser.add_argument("--repeats", type=int, default=1, help="draws that each grasp is executed under")
    parser.add_argument("--choose", choices=("evenly", "randomly"), default="evenly", help="over the labels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    cell = Cell(Gripper.load(args.gripper) if args.gripper else Gripper())
    rng = np.random.default_rng(args.seed)
    sources = mesh_source(args.meshes, seed=args.seed)
    if args.only:
        names = set(read_names(args.only))
        sources = [s for s in sources if s.name in names]
    rows: List[dict] = []
    order = rng.permutation(len(sources))[: args.objects * args.clutter]
    for together in tqdm(order.reshape(-1, args.clutter), unit="scene"):
        rows += picks_of([sources[i] for i in together], cell, args, rng)
    result = summarise(rows)
    show(result)
    if args.json:
        write_json(args.json, {**result, "picks": rows})


def picks_of(
    sources: Sequence[NamedMesh], cell: Cell, args: argparse.Namespace, rng: np.random.Generator
) -> List[dict]:
    """Drop objects, and execute grasps of them, chosen evenly over their labels or as the generator draws them; none
    where one is no body."""
    try:
        cell.drop([body_from_mesh(s.name, s.get()) for s in sources], rng)
        scene = scene_of(cell)
    except AntipodalError:
        return []
    grasps = sample_grasps(scene, cell.gripper, CANDIDATES, rng)
    seed = int(rng.integers(1 << 62))
    labels = {q: score(scene, cell.gripper, grasps, seed, q) for q in QUALITIES}
    label = labels["robust_force_closure"]
    evenly = args.choose == "evenly"
    chosen = spread(label, args.picks, rng) if evenly else rng.permutation(len(label))[: args.picks].tolist()
    rows: List[dict] = []
    for i in chosen:
        outcomes = [execute(cell, grasps, i, rng) for _ in range(args.repeats)]
        mostly = float(np.mean([o["held"] for o in outcomes])) > 0.5
        scores = {q: float(v[i]) for q, v in labels.items()}
        rows += [{"object": sources[0].name, **scores, **o, "mostly": mostly} for o in outcomes]
    return rows


def scene_of(cell: Cell) -> TableScene:
    """What lies on the cell's table."""
    lying = cell.remaining()
    surfaces, poses = [cell.bodies[i].surface() for i in lying], [cell.pose(i) for i in lying]
    vertices, faces = join((transforms.apply(T, v), f) for T, (v, f) in zip(poses, surfaces))
    vertices[:, 2] = np.maximum(vertices[:, 2], 0)  # physics lets it sink in by a hair
    owner = np.repeat(np.arange(len(lying)), [len(f) for _, f in surfaces])
    return build_scene(vertices, faces, centers=np.array(poses)[:, :3, 3], owner=owner)


def score(scene: TableScene, gripper: Gripper, grasps: TableGrasps, seed: int, quality: str) -> np.ndarray:
    """The labels, or the epsilon that they are cut from."""
    result = label_grasps(scene, gripper, grasps, np.random.default_rng(seed), LabelOptions(quality))
    return np.where(result.collision, 0, result.epsilon) if len(result.epsilon) else result.label


def spread(labels: np.ndarray, count: int, rng: np.random.Generator) -> List[int]:
    """Indices of `count` grasps, taken in turn from bins of labels in which any is left."""
    bins = np.minimum((labels * BINS).astype(int), BINS - 1)
    order = rng.permutation(len(labels))
    waiting = [[i for i in order if bins[i] == b] for b in range(BINS)]
    chosen: List[int] = []
    while len(chosen) < count and any(waiting):
        chosen += [int(w.pop()) for w in waiting if w]
    return chosen[:count]


def execute(cell: Cell, grasps: TableGrasps, i: int, rng: np.random.Generator) -> Dict[str, object]:
    """What becomes of a grasp disturbed by one draw of the label's errors."""
    dx, dy, dz, turn, friction = draw_errors(rng, dataclasses.replace(LabelOptions(), draws=1))[1]
    c, s = np.cos(grasps.angle[i]), np.sin(grasps.angle[i])
    tip = grasps.tips[i] + [c * dy + s * dx, s * dy - c * dx, dz]
    c, s = np.cos(grasps.angle[i] + turn), np.sin(grasps.angle[i] + turn)
    R_world_grasp = np.stack([[-s, c, 0.0], [c, s, 0.0], [0.0, 0.0, -1.0]], axis=1)
    T_world_grasp = transforms.compose(R_world_grasp, tip + np.array([0, 0, cell.gripper.tip]))
    for jaw in JAWS:
        cell.model.geom(jaw).friction[0] = friction
    outcome = cell.rehearse(transforms.invert(cell.T_world_cam) @ T_world_grasp, float(grasps.width[i]))
    offset = min(float(np.linalg.norm(tip[:2] - cell.pose(k)[:2, 3])) for k in cell.remaining())
    return {"held": outcome.held, "forgiven": outcome.end == "held", "kind": outcome.kind, "offset": offset}


def summarise(rows: Sequence[dict]) -> dict:
    """Agreement of the labels with what held: reliability, AUC of every quality, and the outcomes of high labels."""
    held, label = (np.array([r[k] for r in rows]) for k in ("held", "robust_force_closure"))
    predicted, actual, count = reliability(label, held.astype(float), BINS)
    return {
        "grasps": len(rows),
        "objects": len({r["object"] for r in rows}),
        "held": round(float(held.mean()), 4),
        "reliability": [[round(float(v), 4) for v in row] for row in zip(predicted, actual, count)],
        "auc": {q: interval(rows, lambda some, q=q: auc(some, q)) for q in QUALITIES},
        "auc_ceiling": round(ceiling(label), 4),
        "auc_mostly": interval(rows, lambda some: auc(some, "robust_force_closure", "mostly")),
        "auc_contact_forgiven": interval(rows, lambda some: auc(some, "robust_force_closure", "forgiven")),
        "label_above_0.8": dict(Counter(r["kind"] for r in rows if r["robust_force_closure"] > 0.8)),
        "label_below_0.2": dict(Counter(r["kind"] for r in rows if r["robust_force_closure"] < 0.2)),
    }


def auc(rows: Sequence[dict], quality: str, truth: str = "held") -> float:
    return roc_auc(np.array([r[truth] for r in rows]), np.array([r[quality] for r in rows]))


def ceiling(label: np.ndarray) -> float:
    """The mean AUC of labels against outcomes drawn from them."""
    rng = np.random.default_rng(0)
    return float(np.mean([roc_auc(rng.random(len(label)) < label, label) for _ in range(RESAMPLES)]))


def interval(rows: Sequence[dict], measure: Callable[[Sequence[dict]], float]) -> List[float]:
    """A measure, and its 95 % interval by resampling objects."""
    rng, of_object = np.random.default_rng(0), {}  # type: ignore[var-annotated]
    for row in rows:
        of_object.setdefault(row["object"], []).append(row)
    names = list(of_object)
    draws = (rng.choice(len(names), len(names)) for _ in range(RESAMPLES))
    values = [measure([r for i in draw for r in of_object[names[i]]]) for draw in draws]
    return [round(float(v), 4) for v in (measure(rows), *np.nanpercentile(values, [2.5, 97.5]))]


def show(result: dict) -> None:
    print(f"{result['grasps']} grasps of {result['objects']} scenes, {result['held']:.1%} held")
    print("label  held  grasps")
    print("\n".join(f"{p:5.2f} {a:5.2f} {int(n):7d}" for p, a, n in result["reliability"]))
    others = {"most executions": result["auc_mostly"], "contact forgiven": result["auc_contact_forgiven"]}
    for quality, (value, low, high) in {**result["auc"], **others}.items():
        print(f"AUC {quality:22} {value:.3f} [{low:.3f}, {high:.3f}]")
    print(f"AUC ceiling {result['auc_ceiling']:.3f}")
    for name in ("label_above_0.8", "label_below_0.2"):
        print(f"{name}: {result[name]}")


if __name__ == "__main__":
    main()
