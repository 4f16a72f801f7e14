"""Compares each Triton kernel with its torch twin (eager and by torch.compile), and with cuDNN if it has such a layer.

python benchmarks/kernels.py [--counts 64 512 4096] [--dry-run] [--json OUT]
Device times of CUDA graphs, all in one run; "eager" is also given as the host launches it. Every variant must give the
twin's answer. --dry-run does all of it once on the CPU, in Triton's interpreter and without times.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Callable, Dict, List, Tuple

if "--dry-run" in sys.argv:
    os.environ["TRITON_INTERPRET"] = "1"  # read when triton is imported

import numpy as np
import torch
import torch.nn.functional as F
from gpu import describe, device_or_exit, microseconds, recorded
from scenes import HEIGHT, picture

from antipodal import backends
from antipodal.files import write_json
from antipodal.grasp import Gripper
from antipodal.grasping.clearance import Clearance, widest_opening
from antipodal.grasping.clearance_gpu import OpeningSearch
from antipodal.grasping.view_grasps import ViewGrasps
from antipodal.networks import crops, score_gpu
from antipodal.networks.architectures import PatchNet
from antipodal.perception.view import View, make_view
from antipodal.perception.view_gpu import DeviceView
from antipodal.planning import cem_gpu
from antipodal.planning.cem import CEMOptions

GRIPPER = Gripper()
OPENINGS = (1.0, 0.75, 0.5)
Variants = Dict[str, Callable[[], torch.Tensor]]  # by name; "eager" is the twin that the others must equal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[64, 512, 4096], help="grasps at once")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    device = device_or_exit(args.dry_run)
    if not backends.uses_triton(torch.zeros(1, device=device)):
        raise SystemExit("nothing to compare: the kernels need triton (pip install antipodal[cuda])")
    view = scene(device)
    rows = []
    with torch.inference_mode(), backends.torch_only():
        for count in [8] if args.dry_run else args.counts:
            for name, variants in cases(view, count).items():
                rows.append({"kernel": name, "count": count, **measured(variants, args.dry_run)})
                print(line(rows[-1]), flush=True)
    if args.json:
        write_json(args.json, {"machine": {} if args.dry_run else describe(), "rows": rows})


def scene(device: torch.device) -> DeviceView:
    """The view of ten objects on a table, on the device."""
    shown = picture(10, 0)
    depth = torch.from_numpy(np.where(np.isfinite(shown.depth), shown.depth, 0).astype(np.float32))
    mask = (depth > 0) & (depth < HEIGHT - 0.008)
    view = make_view(depth, shown.camera, mask, np.array([0.0, 0.0, 1.0]), HEIGHT, 0.06)
    images = (view.depth.to(device), view.graspable.to(device), view.inside.to(device))
    # Numbers too, as a plan on a GPU has them: a graph cannot read them from the host.
    x, y, cell, table = torch.tensor([*view.origin, view.cell, view.table], device=device).unbind()
    return DeviceView(*images, torch.eye(3, device=device), (x, y), cell, table, finest=float(view.cell))


def grasps_on(view: View, count: int) -> ViewGrasps:
    """Grasps at random on what may be grasped."""
    generator = torch.Generator().manual_seed(0)
    cells = torch.nonzero(view.graspable.cpu()).flip(1)
    place = view.to_metres(cells[torch.randint(len(cells), (count,), generator=generator)].float())
    centre = F.pad(place, (0, 1), value=HEIGHT - 0.02)
    angle, width = 6.3 * torch.rand(count, generator=generator), torch.full((count,), GRIPPER.max_width)
    return ViewGrasps(*(t.to(view.depth.device) for t in (centre, angle, width)))


def cases(view: View, count: int) -> Dict[str, Variants]:
    grasps, layer = grasps_on(view, count), PatchNet().to(view.depth.device).stem
    clearance, fitting = Clearance(view, GRIPPER), OpeningSearch(OPENINGS)
    elites = min(cem_gpu.MAX_ELITES, max(16, count // 4))
    points = torch.randn(elites, 6, generator=torch.Generator().manual_seed(0)).to(view.depth.device)
    weight, options = torch.ones(elites, device=points.device), CEMOptions()
    crop = (view.depth, view.origin, view.cell, grasps, GRIPPER)

    def two_steps() -> torch.Tensor:
        return F.relu(layer(crops.relative_crops(*crop)))

    def fits(found) -> torch.Tensor:
        return torch.stack([found[0].width, found[1].shallowest, found[1].deepest])

    return {
        "rotate, crop, normalise": {
            "eager": lambda: crops.relative_crops(*crop),
            "compiled": compiled(lambda: crops.relative_crops(*crop)),
            "kernel": lambda: score_gpu.network_input(view, grasps, GRIPPER),
        },
        "crop to first layer": {
            "eager": two_steps,
            "compiled": compiled(two_steps),
            "kernel, then cuDNN": lambda: F.relu(layer(score_gpu.network_input(view, grasps, GRIPPER))),
            "kernel": lambda: score_gpu.stem(view, grasps, GRIPPER, layer),
        },
        "widest opening": {  # torch.compile cannot trace the numpy numbers of the gripper's boxes
            "eager": lambda: fits(widest_opening(clearance, grasps, OPENINGS)),
            "kernel": lambda: fits(fitting(clearance, grasps)),
        },
        "mixture": {
            "eager": lambda: cem_gpu.expectation_maximisation(points, weight, options, 5)[1],
            "compiled": compiled(lambda: cem_gpu.expectation_maximisation(points, weight, options, 5)[1]),
            "kernel": lambda: cem_gpu.fit_mixture(points, weight, options)[1],
        },
    }


def compiled(work: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    """By torch.compile; on the CPU traced alone, since its compiler takes minutes there."""
    return torch.compile(work, fullgraph=True, backend="inductor" if torch.cuda.is_available() else "eager")


def measured(variants: Variants, dry_run: bool) -> Dict[str, object]:
    """Device times of every variant, and the largest share of its numbers that differ from the twin's."""
    expected = variants["eager"]()
    near = {name: torch.isclose(work(), expected, atol=2e-3) for name, work in variants.items()}
    differing = {name: float((~same).float().mean()) for name, same in near.items()}
    if max(differing.values()) > 0.02:
        raise SystemExit(f"variants disagree with the eager twin: {differing}")
    if dry_run:
        return {"differing": differing}
    times = {name: microseconds(recorded(work)) for name, work in variants.items()}
    times["eager, launched by the host"] = microseconds(variants["eager"])
    return {"differing": differing, "times": times, "wins": wins(times)}


def wins(times: Dict[str, Dict[str, float]]) -> bool:
    """Whether the kernel beats every other variant; one that does not is to be removed."""
    others = [t["median_us"] for name, t in times.items() if name != "kernel"]
    return times["kernel"]["median_us"] < min(others)


def line(row: Dict) -> str:
    head = f"{row['kernel']:24} {row['count']:5}"
    if "times" not in row:
        return f"{head}  agree: {', '.join(row['differing'])}"
    cells: List[Tuple[str, float]] = [(name, t["median_us"]) for name, t in row["times"].items()]
    return f"{head}  {'wins' if row['wins'] else 'LOSES'}  " + ", ".join(f"{name} {us:.1f} us" for name, us in cells)


if __name__ == "__main__":
    main()
