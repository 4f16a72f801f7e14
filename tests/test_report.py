"""Charts put points where their values are; texts from outside are no HTML."""

import re
import sys

import numpy as np
import pytest

from antipodal import report


def test_texts_are_escaped(tmp_path):
    page = report.Report("<b>title</b>", "a < b")
    page.section(
        "x & y", report.text("<script>"), report.html_table(["<i>"], [["<u>"]]), report.cards([("<a>", "1", "<q>")])
    )
    page.section("nothing", "")
    page.write(tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    for raw in ("<b>title", "<script>", "<i>", "<u>", "<a>", "<q>"):
        assert raw not in text
    assert "nothing" not in text  # an empty section has no heading


def test_a_single_point_is_a_dot_in_the_middle_with_three_ticks():
    chart = report.line_chart("c", {"": [(60000, 0.3)]}, "x", "y")
    ((u, v),) = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', chart)
    assert (float(u), float(v)) == pytest.approx((report.LEFT + report.WIDE / 2, 111), abs=0.1)
    ticks = re.findall(r'text-anchor="(?:middle|end)">([^<]+)<', chart)
    assert len(set(ticks)) == len(ticks) >= 6


def test_a_line_goes_through_its_points():
    chart = report.line_chart("c", {"": [(0.0, 0.0), (0.5, 1.0), (1.0, 0.5)]}, "x", "y", square=True)
    path = re.findall(r'd="M([\d. L]+)" fill="none"', chart)[0]
    points = np.array([list(map(float, p.split())) for p in path.split(" L")])
    left, wide = report.LEFT, report.WIDE
    assert np.allclose(points, [(left, 210), (left + wide / 2, 12), (left + wide, 111)])
    assert report.line_chart("c", {"": []}, "x", "y") == "" and report.histogram_chart("c", [], "x") == ""


def test_bars_are_as_high_as_their_counts():
    chart = report.histogram_chart("c", [0.1] * 10 + [0.9] * 5, "x", bins=2)
    heights = [float(h) for h in re.findall(r'height="([\d.]+)" fill', chart)]
    assert heights == pytest.approx([198, 99])


def test_shares_fill_the_bar():
    bar = report.shares({"a": 3, "b": 1, "c": 0}, {"a": "red", "b": "blue", "c": "grey"})
    assert "width:75.00%" in bar and "width:25.00%" in bar and "grey" not in bar


CARD = """# x.pt
A [page](https://example.org/a), `code < 1`, <script>alert(1)</script>, ![curves](x.png).

## Measured
| measure | value |
| --- | --- |
| auc | 0.98 |

    python -m antipodal.train --data <b>
at commit 1

<div onclick="x">block</div>

[bad](javascript:alert(1))
"""


def test_markdown_is_shown_as_a_page():
    pytest.importorskip("markdown_it", reason="needs the extra train")
    shown = report.markdown(CARD)
    assert "<h3>x.pt</h3>" in shown and "<h4>Measured</h4>" in shown  # below the page's own h1 and h2
    assert "<th>measure</th>" in shown and "<td>0.98</td>" in shown
    assert '<a href="https://example.org/a">page</a>' in shown and "<code>code &lt; 1</code>" in shown
    assert "<pre><code>python -m antipodal.train --data &lt;b&gt;\n</code></pre>" in shown
    assert "<p>at commit 1</p>" in shown


def test_markdown_brings_no_tags_scripts_or_pictures():
    pytest.importorskip("markdown_it", reason="needs the extra train")
    shown = report.markdown(CARD)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown and "&lt;div onclick=" in shown
    tags = set(re.findall(r"<(\w+)", shown))
    assert tags == {*("div", "h3", "h4", "p", "a", "code", "pre"), *("table", "thead", "tbody", "tr", "th", "td")}
    assert 'href="javascript' not in shown and shown.count("<div") == 1


def test_without_the_library_markdown_is_shown_as_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    shown = report.markdown(CARD)
    assert "this needs markdown-it-py, which is not installed: pip install markdown-it-py" in shown
    assert "## Measured\n| measure | value |" in shown and "<script>" not in shown
