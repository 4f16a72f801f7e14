"""Figures of trials worked out by hand."""

import pytest
import trimesh

from antipodal import report
from antipodal.sim import report_page
from antipodal.sim.report import summarise, table, wilson


@pytest.mark.parametrize(
    "k, n, low, high",
    [(98, 100, 0.9300, 0.9945), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 2, 0.0945, 0.9055), (0, 0, 0.0, 1.0)],
)
def test_wilson_intervals_as_tabulated(k, n, low, high):
    assert wilson(k, n) == pytest.approx((low, high), abs=1e-3)


def trial(scene, objects, picks, left=0):
    return {"scene": scene, "policy": "p", "objects": objects, "reachable": len(objects), "left": left, "picks": picks}


def pick(kind, end=None, ms=1.0):
    return {"kind": kind, "end": end or kind, "plan_ms": ms}


def test_a_summary_counts_picks_objects_and_forgiven_contacts():
    rows = [
        trial(0, ["a"], [pick("held", ms=1.0)]),
        trial(1, ["a"], [pick("approach_collision", "held", ms=3.0)]),
        trial(2, ["b", "c"], [pick("missed", ms=5.0), {"kind": "no_grasp", "end": "no_grasp"}], left=2),
        {"scene": 3, "policy": "p", "objects": ["d"], "unusable": "d is broken"},
    ]
    summary = summarise(rows)
    figures = summary["policies"]["p"]
    assert (figures["held"]["successes"], figures["held"]["n"]) == (1, 4)
    assert (figures["held_of_executed"]["successes"], figures["held_of_executed"]["n"]) == (1, 3)
    assert (figures["held_if_contact_forgiven"]["successes"], figures["cleared"]["n"]) == (2, 4)
    assert figures["outcomes"]["no_grasp"] == figures["outcomes"]["missed"] == 1
    assert figures["left_within_reach"] == 2 and figures["plan_ms"]["median"] == 3.0
    assert summary["objects"] == {"a": {"p": {"held": 1, "approach_collision": 1}}}
    assert summary["unusable"] == ["d is broken"]
    assert "25.0 %" in table(summary) and "33.3 %" in table(summary)


def test_objects_of_heaps_are_held_or_left():
    heap = [{**pick("held"), "picked": "b"}, pick("missed"), {**pick("approach_collision", "held"), "picked": "c"}]
    rows = [trial(0, ["a", "b", "c", "c"], heap, left=2), trial(1, ["b", "a"], [pick("missed")], left=2)]
    found = {name: counts["p"] for name, counts in summarise(rows)["heaps"].items()}
    assert found == {"a": {"held": 0, "left": 2}, "b": {"held": 1, "left": 1}, "c": {"held": 1, "left": 1}}
    assert summarise([trial(0, ["a"], [pick("held")])])["heaps"] == {}


def page_of(rows):
    """The HTML of the sections on picks of these trials, of which none is replayed."""
    page = report.Report("", "")
    report_page.add_picks(page, summarise(rows), rows, lambda row, attempt: [], lambda name: trimesh.creation.box())
    return "".join(page.parts)


def test_every_outcome_has_a_colour_of_its_own():
    rows = [trial(0, ["a", "b"], [{**pick("wrong_object", "held"), "picked": "b"}], left=1)]
    assert set(summarise(rows)["policies"]["p"]["outcomes"]) == set(report_page.OUTCOMES)
    assert len(set(report_page.OUTCOMES.values())) == len(report_page.OUTCOMES)
    assert 'title="wrong_object: 1"' in page_of(rows)


def test_a_table_of_heaps_says_what_its_colours_mean():
    page = page_of([trial(0, ["a", "b"], [{**pick("held"), "picked": "b"}], left=1)])
    heaps = page.partition("Objects of heaps</h2>")[2].partition("<table>")
    assert "held" in heaps[0] and "left" in heaps[0]
    assert heaps[2].index("<td>a</td>") < heaps[2].index("<td>b</td>")  # the one more often lost comes first
    assert "0 of 1" in heaps[2] and "1 of 1" in heaps[2]


def test_picks_aimed_at_a_part_of_the_room_are_told():
    aims = ["object", "object", "tray", "arm", "tray"]
    rows = [trial(i, ["a"], [{**pick("missed"), "aimed_at": aim}]) for i, aim in enumerate(aims)]
    summary = summarise(rows)
    assert summary["policies"]["p"]["aimed_at"] == {"object": 2, "tray": 2, "arm": 1}
    assert table(summary).endswith("missed 5, aimed at arm 1, aimed at tray 2")


def test_nothing_run_is_no_rate():
    rows = [{"scene": 0, "policy": "p", "objects": ["d"], "unusable": "d is broken"}]
    assert summarise(rows)["policies"] == {}
