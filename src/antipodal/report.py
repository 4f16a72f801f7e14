"""Reports as one HTML file that needs no network: text, tables, charts as SVG, pictures within."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from string import Template
from typing import Any, List, Mapping, Sequence, Tuple, Union

import cv2
import numpy as np

from antipodal.errors import missing_package
from antipodal.files import write_text

COLOURS = ("#3a6ea5", "#d9822b", "#3f9b5d", "#b4435a", "#7a5ea8", "#8a7f5c", "#5b8f9b", "#999999")
LEFT, WIDE = 60, 334  # of a chart's frame
PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title><style>
body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:1080px;margin:0 auto;
padding:18px 22px 60px}h1{font-size:26px;margin:.2em 0}
h2{font-size:19px;margin:1.8em 0 .5em;border-bottom:1px solid #ddd;padding-bottom:3px}
.lead{color:#666;margin:0 0 1em}.cards{display:flex;flex-wrap:wrap;gap:14px}
.card{border:1px solid #ddd;border-radius:8px;padding:10px 16px;flex:1 1 190px;max-width:330px}
.card b{font-size:27px;display:block;line-height:1.25}.card span{color:#666}table{border-collapse:collapse}
th{text-align:left;color:#666;font-weight:500;font-size:13px}
th,td{padding:3px 14px 3px 0;border-bottom:1px solid #eee;vertical-align:middle}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td img{max-width:none}.wide{overflow-x:auto}
.charts{display:flex;flex-wrap:wrap;gap:18px}.charts figure{flex:1 1 310px;max-width:470px;margin:0}
figcaption{color:#666;font-size:13px}img{max-width:100%;border-radius:4px}svg{width:100%;height:auto}
.strips{display:flex;flex-wrap:wrap;gap:14px}.strip{flex:1 1 420px;max-width:530px;overflow-wrap:anywhere}
.strip div{display:flex;gap:5px}.strip img{flex:1 1 30%;min-width:0}
.key{display:inline-block;width:11px;height:11px;border-radius:3px;margin:0 6px 0 12px}
.bar{display:flex;height:20px;border-radius:4px;overflow:hidden;min-width:220px}.warn{color:#b4435a}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
.markdown h3{font-size:17px}.markdown h4{font-size:15px;margin:1.4em 0 .3em}.markdown{overflow-wrap:anywhere}
.markdown table{display:block;overflow-x:auto;overflow-wrap:normal}code{font:13px/1.5 ui-monospace,monospace}
.markdown pre,.markdown :not(pre)>code{background:#f5f5f5;border-radius:4px}.markdown pre{padding:7px 11px}
</style></head><body><h1>$title</h1><p class="lead">$lead</p>$body</body></html>
""")


class Report:
    """Sections one after the other."""

    def __init__(self, title: str, lead: str):
        self.title, self.lead = title, lead
        self.parts: List[str] = []

    def section(self, title: str, *parts: str) -> None:
        """A heading and what is below it; without parts nothing."""
        if any(parts):
            self.parts.append(f"<h2>{escape(title)}</h2>{''.join(parts)}")

    def write(self, path: Union[str, Path]) -> None:
        """Write the file. Raises InputError."""
        write_text(path, PAGE.substitute(title=escape(self.title), lead=escape(self.lead), body="".join(self.parts)))


def text(words: str) -> str:
    """A paragraph."""
    return f"<p>{escape(words)}</p>"


def markdown(words: str) -> str:
    """Markdown as HTML. Its headings stand below the page's own, tags and pictures in it are shown as text. Where the
    library is missing, the words as they are."""
    try:
        from markdown_it import MarkdownIt
    except ModuleNotFoundError as error:
        return text(missing_package(str(error.name))) + f"<pre>{escape(words)}</pre>"
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(words)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + 2, 6)}"
    return f'<div class="markdown">{parser.renderer.render(tokens, parser.options, {})}</div>'


def cards(values: Sequence[Tuple[str, str, str]]) -> str:
    """Headlines: each a large value, what it is, and its interval or remark."""
    inner = "".join(
        f'<div class="card"><span>{escape(name)}</span><b>{escape(value)}</b><span>{escape(note)}</span></div>'
        for name, value, note in values
    )
    return f'<div class="cards">{inner}</div>'


def html_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], html: Sequence[int] = (), numbers: bool = True
) -> str:
    """A table. html: columns whose cells are made by this module. numbers: texts that begin with a digit stand to the
    right."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        f"<tr>{''.join(_table_cell(str(v), k in html, numbers) for k, v in enumerate(row))}</tr>" for row in rows
    )
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def _table_cell(value: str, html: bool, numbers: bool) -> str:
    if html:
        return f"<td>{value}</td>"
    number = numbers and (value[:1].isdigit() or (value[:1] in "+-" and value[1:2].isdigit()))
    return f"<td{' class=n' if number else ''}>{escape(value)}</td>"


def shares(counts: Mapping[str, int], colours: Mapping[str, str]) -> str:
    """One bar of coloured parts."""
    total = max(sum(counts.values()), 1)
    parts = "".join(
        f'<div style="width:{100 * n / total:.2f}%;background:{colours[k]}" title="{escape(k)}: {n}"></div>'
        for k, n in counts.items()
        if n
    )
    return f'<div class="bar">{parts}</div>'


def key(colours: Mapping[str, str]) -> str:
    """What the colours mean."""
    return "".join(f'<span class="key" style="background:{c}"></span>{escape(k)}' for k, c in colours.items())


def image(pixels: np.ndarray, width: int) -> str:
    """A picture (H, W, 3) uint8 RGB within the file."""
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    data = base64.b64encode(encoded.tobytes()).decode()
    return f'<img width="{width}" alt="" src="data:image/jpeg;base64,{data}">'


def strips(rows: Sequence[Tuple[str, Sequence[np.ndarray]]], width: int) -> str:
    """Pictures side by side, each row under its caption."""
    inner = "".join(
        f'<div class="strip">{escape(caption)}<div>{"".join(image(f, width) for f in frames)}</div></div>'
        for caption, frames in rows
    )
    return f'<div class="strips">{inner}</div>' if inner else ""


def charts(*figures: str) -> str:
    """Charts side by side where there is room."""
    return f'<div class="charts">{"".join(figures)}</div>'


def line_chart(
    caption: str,
    series: Mapping[str, Sequence[Tuple[Any, Any]]],
    x: str,
    y: str,
    square: bool = False,
    dots: bool = False,
) -> str:
    """A chart of lines; of a single point a dot. square: both axes from 0 to 1, with the diagonal."""
    points = [p for line in series.values() for p in line if np.isfinite(p).all()]
    if not points:
        return ""
    low, high = (np.zeros(2), np.ones(2)) if square else (np.min(points, axis=0), np.max(points, axis=0))
    margin = np.where(high > low, 0.0, np.maximum(0.1 * np.abs(high), 1e-9))  # of a single value
    low, high = low - margin, high + margin
    span = high - low
    drawn = [f'<path d="M{LEFT} 210 L{LEFT + WIDE} 12" stroke="#bbb" stroke-dasharray="3 4"/>'] if square else []
    for k, line in enumerate(series.values()):
        at = [(LEFT + WIDE * (a - low[0]) / span[0], 210 - 198 * (b - low[1]) / span[1]) for a, b in line]
        path = " L".join(f"{u:.1f} {v:.1f}" for u, v in at)
        colour = COLOURS[k % len(COLOURS)]
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if dots or len(at) == 1:
            drawn += [f'<circle cx="{u:.1f}" cy="{v:.1f}" r="3" fill="{colour}"/>' for u, v in at]
    names = {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(series)}
    return _figure(caption, "".join(drawn) + _axes(low, high, x, y), key(names) if len(names) > 1 else "")


def histogram_chart(caption: str, values: Union[np.ndarray, Sequence[float]], x: str, bins: int = 24) -> str:
    """A chart of how often values occur."""
    if not len(values):
        return ""
    counts, edges = np.histogram(values, bins)
    width = WIDE / bins
    bars = "".join(
        f'<rect x="{LEFT + k * width:.1f}" y="{210 - 198 * n / counts.max():.1f}" width="{width - 1:.1f}" '
        f'height="{198 * n / counts.max():.1f}" fill="{COLOURS[0]}"/>'
        for k, n in enumerate(counts)
    )
    return _figure(caption, bars + _axes(np.array([edges[0], 0]), np.array([edges[-1], counts.max()]), x, "count"), "")


def _axes(low: np.ndarray, high: np.ndarray, x: str, y: str) -> str:
    frame = f'<path d="M{LEFT} 12 V210 H{LEFT + WIDE}" fill="none" stroke="#888"/>'
    words = []
    for share in (0.0, 0.5, 1.0):
        a, b = low + share * (high - low)
        words.append(f'<text x="{LEFT + WIDE * share:.0f}" y="225" text-anchor="middle">{_tick(a)}</text>')
        words.append(f'<text x="{LEFT - 5}" y="{214 - 198 * share:.0f}" text-anchor="end">{_tick(b)}</text>')
    words.append(f'<text x="{LEFT + WIDE // 2}" y="242" text-anchor="middle">{escape(x)}</text>')
    words.append(f'<text x="10" y="111" text-anchor="middle" transform="rotate(-90 10 111)">{escape(y)}</text>')
    return frame + "".join(words)


def _tick(value: float) -> str:
    return f"{value / 1e6:.3g}M" if abs(value) >= 1e6 else f"{value:,.3g}" if abs(value) < 1e3 else f"{value:,.0f}"


def _figure(caption: str, drawn: str, names: str) -> str:
    style = 'viewBox="0 0 420 248" font-size="11" font-family="system-ui,sans-serif" fill="#555"'
    return f"<figure><figcaption>{escape(caption)} {names}</figcaption><svg {style}>{drawn}</svg></figure>"
