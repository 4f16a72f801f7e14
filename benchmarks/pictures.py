"""Curves as a PNG file, for the other benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from antipodal.files import write_file


def draw_lines(path: Path, curves: Dict[str, List[Tuple[float, float]]], x: str, y: str) -> None:
    """A PNG with one line a curve; curves named "group/..." share their group's colour and its entry in the legend."""
    figure = Figure(figsize=(8, 5), constrained_layout=True)
    axes = figure.subplots()
    groups = list(dict.fromkeys(name.split("/")[0] for name in curves))
    labelled = set()
    for name, points in curves.items():
        group = name.split("/")[0]
        label = None if group in labelled else group
        labelled.add(group)
        axes.plot(*zip(*points), ".-", color=f"C{groups.index(group)}", label=label, linewidth=1)
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    axes.legend()
    write_file(path, FigureCanvasAgg(figure).print_png)
