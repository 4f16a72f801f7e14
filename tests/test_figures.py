"""The figures of docs/how_it_works.md can be drawn anew."""

import runpy
import sys

import pytest
from conftest import REPO

pytest.importorskip("matplotlib", reason="needs the extra synth")


def test_both_figures_are_drawn(tmp_path, monkeypatch):
    from matplotlib.image import imread

    monkeypatch.setattr(sys, "argv", ["figures.py", str(tmp_path)])
    runpy.run_path(str(REPO / "scripts" / "figures.py"), run_name="__main__")
    for name in ("stages.png", "crops.png"):
        made, kept = imread(tmp_path / name), imread(REPO / "docs" / name)
        assert made.shape == kept.shape
        assert made[..., :3].std() > 0.1
