"""The page of an evaluation: its rates, and one pick after the other with its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, NamedTuple

import cv2
import numpy as np

from antipodal.errors import InputError
from antipodal.files import json_lines, read_json, read_parsed
from antipodal.viewer import html

FAILED, EVERY = "every failure", "every pick"
PICTURE = 380  # side in the panel [px]


class Pick(NamedTuple):
    """One pick of a trial."""

    policy: str
    scene: int
    attempt: int
    objects: List[str]
    values: dict

    @property
    def picture(self) -> str:
        """Name of its picture, which only failures have."""
        return f"{self.policy}_{self.values['kind']}_{self.scene:05d}_{self.attempt}.png"

    def facts(self) -> List[tuple]:
        """Names and values."""
        v = self.values
        rows = [("Outcome", v["kind"].replace("_", " ")), ("Policy", self.policy), ("Scene", f"{self.scene}")]
        if "quality" in v:
            rows += [("P(success)", f"{v['quality']:.3f}"), ("Opening", f"{1e3 * v['width']:.0f} mm")]
            rows += [
                ("Pushed before closing", f"{v['object_force']:.1f} N on objects, {v['table_force']:.1f} on the table")
            ]
            rows += [("Plan", f"{v['plan_ms']:.0f} ms")]
        rows += [("Reason", v["reason"])] if "reason" in v else []
        return [*rows, ("Objects", ", ".join(self.objects))]


class Evaluation:
    """What `sim.evaluate` wrote: OUT.json, the trials beside it, and the failures' pictures."""

    def __init__(self, path: Path):
        self.summary, log = read_json(path), path.with_suffix(".jsonl")
        if not isinstance(self.summary, dict) or "policies" not in self.summary:
            raise InputError(f"{path} is no summary of antipodal evaluate")
        if not log.is_file():
            raise InputError(f"the trials {log} are not beside {path}")
        self.pictures = path.with_suffix(".failures")
        rows = read_parsed(log, json_lines)[1:]
        self.picks = [
            Pick(row["policy"], row["scene"], k, row["objects"], pick)
            for row in rows
            for k, pick in enumerate(row.get("picks", []))
        ]

    def outcomes(self) -> List[str]:
        """What can be shown: failures, all, and each outcome that occurred."""
        return [FAILED, EVERY, *sorted({p.values["kind"] for p in self.picks})]

    def chosen(self, outcome: str, policy: str) -> List[Pick]:
        """The picks of an outcome and a policy ("all": of every one), the surest first."""
        picks = [p for p in self.picks if policy in ("all", p.policy)]
        if outcome == FAILED:
            picks = [p for p in picks if p.values["kind"] != "held"]
        elif outcome != EVERY:
            picks = [p for p in picks if p.values["kind"] == outcome]
        return sorted(picks, key=lambda p: -p.values.get("quality", 0.0))

    def image(self, pick: Pick) -> np.ndarray:
        """Its picture (H, W, 3) uint8 RGB; blank where none was kept."""
        found = cv2.imread(str(self.pictures / pick.picture))
        return np.full((8, 8, 3), 240, np.uint8) if found is None else found[..., ::-1]

    def rates(self) -> List[tuple]:
        """Each policy's rate with its interval."""
        held = {name: policy["held"] for name, policy in self.summary["policies"].items()}
        return [
            (name, f"{100 * (h['rate'] or 0):.1f} % ({100 * h['low']:.1f} to {100 * h['high']:.1f}), {h['n']} picks")
            for name, h in held.items()
        ]


class EvaluationPage:
    """Goes through the picks of an evaluation."""

    def __init__(self, server: Any, path: Path):
        self.results, gui = Evaluation(path), server.gui
        self.worker = server.worker(self._work)
        gui.add_html(html.block(html.headline("Held", path.name), html.facts(self.results.rates())))
        self.outcome = gui.add_dropdown("Outcome", tuple(self.results.outcomes()))
        self.policy = gui.add_dropdown("Policy", ("all", *self.results.summary["policies"]))
        self.slider = gui.add_slider("Pick", 0, max(len(self.results.picks) - 1, 1), 1, 0)
        self.head = gui.add_html("")
        self.picture = gui.add_html("")
        for handle in (self.outcome, self.policy, self.slider):
            handle.on_update(self.worker.ask)
        self.worker.ask()

    def _work(self) -> None:
        chosen = self.results.chosen(self.outcome.value, self.policy.value)
        if not chosen:
            self.head.content, self.picture.content = html.block(html.headline("None", "no such pick")), ""
            return
        number = min(int(self.slider.value), len(chosen) - 1)
        pick = chosen[number]
        self.head.content = html.block(html.headline(f"{number + 1} of {len(chosen)}", "the surest first"))
        facts = html.facts(pick.facts())
        self.picture.content = html.block(html.picture(self.results.image(pick), PICTURE), facts)
