"""What the planner makes of real depth images: python benchmarks/real.py [FOLDER] [--json FILE] [--sheets DIR].

FOLDER (default: `real` beside or under $ANTIPODAL_DATA) holds NAME.depth.png (16 bits) and NAME.json (intrinsics and
depth_scale [m]), and where they are known NAME.mask.png (nonzero = an object), NAME.label.png (instances) and
NAME.labels.json (Cornell's rectangles). Nothing is given to the planner but depth and camera.

For each source: images planned; best grasps centred on an object (within 1 cm in the image); mean share of the objects'
valid pixels that the segmentation keeps, and of the other valid pixels that it takes; pieces kept by half or more;
and whether the best grasp agrees with people's rectangles: centre within 15 mm of a label's closing axis and angle
within 30 degrees, or intersection over union above 0.25 and angle within 30 degrees. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import cv2
import numpy as np

from antipodal import resources
from antipodal.camera import Camera
from antipodal.errors import NoGraspFound
from antipodal.files import write_json
from antipodal.grasp import Grasp, Gripper
from antipodal.grasping import draw
from antipodal.perception.inputs import check_depth
from antipodal.perception.scene import Scene, perceive
from antipodal.planner import GraspPlanner
from antipodal.sim.report import wilson

NEAR_OBJECT = 0.01  # a grasp's centre may lie this far outside the mask [m]
NEAR_AXIS = 0.015  # from a label's closing axis [m]
ANGLE = np.radians(30)
OVERLAP = 0.25
MIN_PIECE = 100  # pixels; smaller instances do not count


@dataclass(frozen=True)
class Image:
    """One depth image and what is known of it."""

    name: str
    depth: np.ndarray  # (H, W) float32 [m]
    camera: Camera
    mask: Optional[np.ndarray]  # (H, W) bool
    instances: Optional[np.ndarray]  # (H, W) int, 0 = none
    good: List[np.ndarray]  # (4, 2) rectangles that people drew

    @property
    def source(self) -> str:
        return self.name.split("__")[0]


def main() -> int:
    args = arguments()
    folder = find_folder(args.folder)
    if folder is None:
        print(f"skipped: no folder of real images at {args.folder or '$ANTIPODAL_DATA'}")
        return 0
    planner = GraspPlanner.load(args.model, Gripper.load(args.gripper), "cpu")
    rows: List[dict] = []
    for image in read(folder, args.only):
        row, scene, best = judge(planner, image)
        rows.append(row)
        if args.sheets is not None:
            draw.write_png(args.sheets / f"{image.name}.png", picture(image, scene, best, planner.gripper, row))
    if not rows:
        print(f"skipped: no NAME.depth.png in {folder} matches {args.only!r}")
        return 0
    if args.sheets is not None:
        write_sheets(args.sheets, rows)
    if args.json is not None:
        write_json(args.json, {"images": rows, "sources": summaries(rows)})
    print(table(summaries(rows)))
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="images and what is known of them")
    parser.add_argument("--only", default="*", help="names to use, a pattern such as 'cornell__*'")
    parser.add_argument("--model", type=Path, default=resources.find("models/default.pt"))
    parser.add_argument("--gripper", type=Path, default=resources.find("config/grippers/robotiq_2f85.yaml"))
    parser.add_argument("--json", type=Path, help="write every image's result here")
    parser.add_argument("--sheets", type=Path, help="write pictures of support, graspable pixels and best grasp here")
    return parser.parse_args()


def find_folder(given: Optional[Path]) -> Optional[Path]:
    """The folder that was named, else the one that ANTIPODAL_DATA points to; None where there is none."""
    data = Path(os.environ.get("ANTIPODAL_DATA", "/nonexistent"))
    candidates = [given] if given is not None else [data / "real", data]
    return next((c for c in candidates if c.is_dir() and any(c.glob("*.depth.png"))), None)


def read(folder: Path, pattern: str):
    """The images of a folder, by name."""
    for path in sorted(folder.glob(f"{pattern}.depth.png")):
        stem = str(path)[: -len(".depth.png")]
        facts = json.loads(Path(f"{stem}.json").read_text())
        depth = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) * facts["depth_scale"]).astype(np.float32)
        camera = Camera(*(facts[k] for k in ("fx", "fy", "cx", "cy", "width", "height")))
        mask, labels = _image(f"{stem}.mask.png"), Path(f"{stem}.labels.json")
        good = json.loads(labels.read_text()).get("good", []) if labels.exists() else []
        known = None if mask is None else mask > 0
        yield Image(path.name[: -len(".depth.png")], depth, camera, known, _image(f"{stem}.label.png"), _rects(good))


def _image(path: str) -> Optional[np.ndarray]:
    return cv2.imread(path, cv2.IMREAD_UNCHANGED) if os.path.exists(path) else None


def _rects(rectangles: list) -> List[np.ndarray]:
    arrays = [np.asarray(r, float) for r in rectangles]
    return [r for r in arrays if r.shape == (4, 2) and np.isfinite(r).all()]


def judge(planner: GraspPlanner, image: Image) -> Tuple[dict, Scene, Optional[Grasp]]:
    """What became of one image: figures, the scene as it was understood, and the best grasp."""
    scene = perceive(check_depth(image.depth, image.camera), image.camera)
    row: dict = {"name": image.name, "source": image.source, "support": scene.support is not None}
    best = None
    try:
        plan = planner.plan(image.depth, image.camera)
        best, row["quality"] = plan[0], plan[0].quality
    except NoGraspFound as e:
        row["reason"] = str(e)
    row["planned"] = best is not None
    if image.mask is not None and (image.mask & (image.depth > 0)).any():
        row.update(segmentation_figures(scene.graspable, image))
        row["on_object"] = best is not None and on_object(best, image)
    if image.good:
        row["near_axis"] = best is not None and any(near_axis(best, r, image.camera) for r in image.good)
        row["rectangle"] = best is not None and any(overlaps(best, r, image.camera, planner) for r in image.good)
    return row, scene, best


def segmentation_figures(graspable: np.ndarray, image: Image) -> Dict[str, float]:
    """Shares of the objects' pixels kept and of the others taken, and pieces kept by half."""
    assert image.mask is not None
    valid = image.depth > 0
    objects, others = image.mask & valid, ~image.mask & valid
    instances = image.instances
    if instances is None:
        instances = cv2.connectedComponents(image.mask.astype(np.uint8))[1]
    counts = np.bincount(instances[objects])
    kept = np.bincount(instances[objects & graspable], minlength=len(counts))
    pieces = [k for k in range(1, len(counts)) if counts[k] >= MIN_PIECE]
    return {
        "kept": float(graspable[objects].mean()),
        "taken": float(graspable[others].mean()) if others.any() else 0.0,
        "pieces": len(pieces),
        "pieces_kept": sum(bool(kept[k] >= counts[k] / 2) for k in pieces),
    }


def on_object(grasp: Grasp, image: Image) -> bool:
    """Whether the grasp's centre lies on an object, or within NEAR_OBJECT of one."""
    assert image.mask is not None
    distance = cv2.distanceTransform((~image.mask).astype(np.uint8), cv2.DIST_L2, 5)
    u, v = np.round(grasp.center_px).astype(int)
    inside = 0 <= u < image.camera.width and 0 <= v < image.camera.height
    return bool(inside and distance[v, u] * grasp.depth / image.camera.fx <= NEAR_OBJECT)


def near_axis(grasp: Grasp, rectangle: np.ndarray, camera: Camera) -> bool:
    """Whether the grasp lies on a label's closing axis, and across it as the label."""
    a, b = rectangle[[0, 3]].mean(axis=0), rectangle[[1, 2]].mean(axis=0)
    along = b - a
    share = np.clip((grasp.center_px - a) @ along / max(along @ along, 1e-9), 0, 1)
    distance = np.linalg.norm(grasp.center_px - a - share * along) * grasp.depth / camera.fx
    return bool(distance <= NEAR_AXIS and _turned(grasp, along) <= ANGLE)


def _turned(grasp: Grasp, along: np.ndarray) -> float:
    """Angle [rad] between the grasp's closing axis in the image and a direction (2,), in [0, pi/2]."""
    difference = abs(grasp.angle - np.arctan2(along[1], along[0])) % np.pi
    return float(min(difference, np.pi - difference))


def overlaps(grasp: Grasp, rectangle: np.ndarray, camera: Camera, planner: GraspPlanner) -> bool:
    """The rectangle metric of Jiang et al. (2011): intersection over union above OVERLAP, angle within 30 degrees."""
    own = cv2.boxPoints(
        (
            tuple(map(float, grasp.center_px)),
            (
                grasp.width * camera.fx / grasp.depth,
                planner.gripper.jaw_width * camera.fx / grasp.depth,
            ),
            float(np.degrees(grasp.angle)),
        )
    )
    label = rectangle.astype(np.float32)
    shared = cv2.intersectConvexConvex(own.astype(np.float32), label)[0]
    union = cv2.contourArea(own) + cv2.contourArea(label) - shared
    return bool(shared / max(union, 1e-9) > OVERLAP and _turned(grasp, rectangle[1] - rectangle[0]) <= ANGLE)


def summaries(rows: List[dict]) -> Dict[str, dict]:
    """Figures of every source and of all, by name."""
    sources = sorted({r["source"] for r in rows})
    return {**{s: _summary([r for r in rows if r["source"] == s]) for s in sources}, "all": _summary(rows)}


def _summary(rows: List[dict]) -> dict:
    known = [r for r in rows if "kept" in r]
    drawn = [r for r in rows if "near_axis" in r]
    return {
        "images": len(rows),
        "support": _share([r["support"] for r in rows]),
        "planned": _share([r["planned"] for r in rows]),
        "on_object": _share([r["on_object"] for r in known if r["planned"]]),
        "kept": float(np.mean([r["kept"] for r in known])) if known else None,
        "taken": float(np.mean([r["taken"] for r in known])) if known else None,
        "pieces": [sum(r["pieces_kept"] for r in known), sum(r["pieces"] for r in known)],
        "near_axis": _share([r["near_axis"] for r in drawn]),
        "rectangle": _share([r["rectangle"] for r in drawn]),
    }


def _share(values: List[bool]) -> List[int]:
    return [sum(map(bool, values)), len(values)]


def table(sources: Dict[str, dict]) -> str:
    """All as one table."""
    names = ["source", "images", "planned", "best on object", "kept", "taken", "pieces", "label's axis", "rectangle"]
    lines = [names]
    for name, s in sources.items():
        shares = [_of(s[k]) for k in ("planned", "on_object")]
        means = ["" if s[k] is None else f"{100 * s[k]:.1f} %" for k in ("kept", "taken")]
        counts = "" if s["pieces"][1] == 0 else "{} of {}".format(*s["pieces"])
        lines.append([name, str(s["images"]), *shares, *means, counts, _of(s["near_axis"]), _of(s["rectangle"])])
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], ["---"] * len(names), *lines[1:]])


def _of(share: List[int]) -> str:
    if share[1] == 0:
        return ""
    low, high = wilson(*share)
    return f"{share[0]} of {share[1]}: {100 * share[0] / share[1]:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def picture(image: Image, scene: Scene, best: Optional[Grasp], gripper: Gripper, row: dict) -> np.ndarray:
    """The depth image with the support in blue, what may be grasped in green, an unkept object in red, the grasp."""
    shown = draw.shade(image.depth)
    if scene.support is not None:
        v, u = np.mgrid[: image.camera.height, : image.camera.width]
        height = scene.support.height(image.camera.deproject(np.stack([u, v], -1), image.depth))
        on = (image.depth > 0) & (np.abs(height) < 0.008 * np.maximum(1, image.depth**2))
        shown[on] = (shown[on] * 0.6 + np.array([0, 60, 140]) * 0.8).clip(0, 255).astype(np.uint8)
    shown[scene.graspable] = (shown[scene.graspable] * 0.6 + np.array([0, 90, 0])).clip(0, 255).astype(np.uint8)
    if image.mask is not None:
        wrong = image.mask & (image.depth > 0) & ~scene.graspable
        shown[wrong] = (shown[wrong] * 0.5 + np.array([120, 0, 0])).clip(0, 255).astype(np.uint8)
    if best is not None:
        draw._draw_hand(shown, image.camera, best, gripper, filled=True)
        draw._draw_axes(shown, image.camera, [best], 2)
    size = (480, round(480 * shown.shape[0] / shown.shape[1]))
    shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    for k, text in enumerate([image.name, row.get("reason", "")[:70]]):
        cv2.putText(shown, text, (4, 12 + 14 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return shown


def write_sheets(folder: Path, rows: List[dict], columns: int = 4, most: int = 20) -> None:
    """Pictures side by side, `most` a sheet, as sheet_N.png."""
    for start in range(0, len(rows), most):
        tiles = [cv2.imread(str(folder / f"{r['name']}.png"))[..., ::-1] for r in rows[start : start + most]]
        height = max(t.shape[0] for t in tiles)
        tiles = [cv2.copyMakeBorder(t, 0, height - t.shape[0], 0, 0, cv2.BORDER_CONSTANT) for t in tiles]
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
        lines = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
        draw.write_png(folder / f"sheet_{start // most}.png", np.vstack(lines))


if __name__ == "__main__":
    sys.exit(main())
