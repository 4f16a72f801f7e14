"""Small pieces of HTML for the page's panel; whatever comes from outside is escaped."""

from __future__ import annotations

import base64
import math
from html import escape
from typing import Dict, Mapping, Sequence, Tuple

import cv2
import numpy as np

from antipodal.grasping.draw import quality_colour

TEXT = "font-size:13px;line-height:1.5;padding:2px 12px 6px"
MUTED = "color:#888"
BAR = "#5a8fc4"
SHOWN = {
    "pixels": "graspable pixels",
    "edges": "edge cells",
    "scanned": "scored in a scan",
    "pairs": "antipodal pairs",
    "points": "points drawn there",
    "smooth": "on smooth surface",
    "facing": "facing an allowed approach",
    "fitting": "where the hand fits",
    "wide_enough": "wide enough",
    "scored": "scored by the network",
}


def block(*parts: str) -> str:
    """Parts one under the other."""
    return f'<div style="{TEXT}">{"".join(parts)}</div>'


def headline(text: str, below: str = "", colour: str = "inherit") -> str:
    """A large line with a small one below."""
    small = f'<div style="{MUTED};font-size:12px">{escape(below)}</div>' if below else ""
    return f'<div style="font-size:19px;font-weight:650;color:{colour}">{escape(text)}</div>{small}'


def legend(entries: Sequence[Tuple[Tuple[int, int, int], str]]) -> str:
    """A swatch and a word for each entry."""
    return "".join(f"<div>{_swatch(colour)}{escape(word)}</div>" for colour, word in entries)


def _swatch(colour: Tuple[int, int, int]) -> str:
    style = "display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px;border:1px solid #0003"
    return f'<span style="{style};background:rgb{colour}"></span>'


def quality_scale() -> str:
    """The colours of P(success) from 0 to 1."""
    stops = ",".join(f"rgb{quality_colour(q / 4)}" for q in range(5))
    bar = f'<div style="height:9px;border-radius:4px;background:linear-gradient(90deg,{stops})"></div>'
    ends = f'<div style="display:flex;justify-content:space-between;{MUTED};font-size:11px">'
    return f"{bar}{ends}<span>0</span><span>P(success) of a candidate</span><span>1</span></div>"


def facts(rows: Sequence[Tuple[str, str]]) -> str:
    """Names and values in two columns."""
    cells = "".join(
        f'<tr><td style="{MUTED};padding:1px 10px 1px 0;vertical-align:top">{escape(name)}</td>'
        f"<td>{escape(value)}</td></tr>"
        for name, value in rows
    )
    return f'<table style="border-collapse:collapse">{cells}</table>'


def bar_rows(values: Mapping[str, float], unit: str = "", logarithmic: bool = False) -> str:
    """A horizontal bar for each value."""
    length = (lambda v: math.log10(1 + v)) if logarithmic else float
    longest = max([length(v) for v in values.values()], default=0.0) or 1.0
    return "".join(_bar(name, value, length(value) / longest, unit) for name, value in values.items())


def _bar(name: str, value: float, share: float, unit: str) -> str:
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:.1f}"
    filled = f'<div style="width:{100 * share:.1f}%;background:{BAR};height:9px;border-radius:3px"></div>'
    return (
        '<div style="display:grid;grid-template-columns:47% 1fr 68px;align-items:center;gap:6px">'
        f"<span>{escape(name)}</span>{filled}<span style='text-align:right'>{number} {escape(unit)}</span></div>"
    )


def counts(values: Mapping[str, int]) -> str:
    """How many were left after each stage; on a logarithmic scale, since they fall by hundreds."""
    return _by_hand({key: float(n) for key, n in values.items()}, "", True)


def times(values: Mapping[str, float]) -> str:
    """How long each stage took [ms]."""
    return _by_hand(values, "ms", False)


def _by_hand(values: Mapping[str, float], unit: str, logarithmic: bool) -> str:
    """A bar for each stage; where its name begins with a kind of hand, below that."""
    groups: Dict[str, Dict[str, float]] = {}
    for key, value in values.items():
        hand, _, stage = key.rpartition(" ")
        groups.setdefault(hand, {})[SHOWN.get(stage, stage.replace("_", " "))] = value
    heads = {hand: f"<div><b>{escape(hand)}</b></div>" if hand else "" for hand in groups}
    return "".join(heads[hand] + bar_rows(group, unit, logarithmic) for hand, group in groups.items())


def shade_of(quality: float) -> str:
    """A quality's colour, dark enough for a text."""
    r, g, b = (int(0.8 * c) for c in quality_colour(quality))
    return f"rgb({r},{g},{b})"


def picture(image: np.ndarray, side: int, *beside: str) -> str:
    """A picture (H, W, 3) uint8, `side` pixels wide, with texts to its right."""
    data = base64.b64encode(cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))[1].tobytes()).decode()
    shown = (
        f'<img src="data:image/png;base64,{data}" style="width:{side}px;border-radius:4px;image-rendering:pixelated">'
    )
    return f'<div style="display:flex;gap:12px">{shown}<div>{"".join(beside)}</div></div>'


def muted(text: str) -> str:
    """A remark."""
    return f'<div style="{MUTED};font-size:12px">{escape(text)}</div>'
