"""docs/ros_reference.md is what the files and parameters say."""

import runpy

from conftest import REPO, ros_or_skip

ros_or_skip()


def test_the_page_is_up_to_date():
    """If it is not: source env.sh && python scripts/ros_reference.py"""
    made = runpy.run_path(str(REPO / "scripts" / "ros_reference.py"))["page"]()
    assert (REPO / "docs" / "ros_reference.md").read_text() == made


def test_it_holds_every_file_and_a_meaning_for_all_that_they_hold():
    page = (REPO / "docs" / "ros_reference.md").read_text()
    for folder in ("msg", "srv", "launch"):
        for path in (REPO / folder).iterdir():
            assert f"## {folder}/{path.name}\n" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 60 and all(row.split("|")[-2].strip() for row in rows)
