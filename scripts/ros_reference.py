"""Writes docs/ros_reference.md from the files of msg/, srv/ and launch/ and the parameters that can change in a running
node:   source env.sh && python scripts/ros_reference.py [FILE]"""

import argparse
import re
from pathlib import Path

from defusedxml import ElementTree

from antipodal.files import write_text
from antipodal.ros.options import NodeOptions
from antipodal.ros.reconfigure import PARAMETERS, WORKSPACE_PARAMETERS

REPO = Path(__file__).resolve().parents[1]
HEAD = """# Messages, services, launch files
Made by `scripts/ros_reference.py` from the files themselves; a test compares. [ros.md](ros.md) explains how they work
together.
"""
PARTS = {"msg": [""], "srv": ["Request", "Reply"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=REPO / "docs" / "ros_reference.md")
    write_text(parser.parse_args().file, page())


def page() -> str:
    """The whole page."""
    interfaces = [interface(p) for folder in ("srv", "msg") for p in sorted((REPO / folder).iterdir())]
    launches = [launch(p) for p in sorted((REPO / "launch").iterdir())]
    return "\n".join([HEAD, *interfaces, *launches, live_parameters()])


def interface(path: Path) -> str:
    """A message or service: what it says of itself, and a table of each of its parts."""
    about, *parts = re.split(r"\n\n|^---$", path.read_text().strip(), maxsplit=1, flags=re.M)
    parts = re.split(r"^---$", parts[0], flags=re.M)
    lines = [f"## {path.parent.name}/{path.name}", uncommented(about), ""]
    for title, part in zip(PARTS[path.parent.name], parts):
        lines += [f"**{title}**\n"] if title else []
        lines += [table(("field", "type", "meaning"), fields(part)), ""]
    return "\n".join(lines)


def fields(part: str) -> list:
    """Rows of name, type and meaning; a comment goes on in the lines below that hold nothing else."""
    rows: list = []
    for line in filter(str.strip, part.splitlines()):
        code, _, comment = (word.strip() for word in line.partition("#"))
        if code:
            kind, name = code.split()
            rows.append([f"`{name}`", kind, comment])
        elif rows:
            rows[-1][2] = f"{rows[-1][2]} {comment}".strip()
    return rows


def uncommented(text: str) -> str:
    return " ".join(line.lstrip("# ") for line in text.splitlines())


def launch(path: Path) -> str:
    """A launch file: the comment that opens it, and its arguments."""
    text = path.read_text()
    about = " ".join(re.findall(r"<!--(.*?)-->", text, re.S)[0].split())
    arguments = [a.attrib for a in ElementTree.fromstring(text).findall("arg")]
    rows = [[f"`{a['name']}`", f"`{a['default']}`" if a["default"] else "", a["doc"]] for a in arguments]
    return "\n".join([f"## launch/{path.name}", about, "", table(("argument", "default", "meaning"), rows), ""])


def live_parameters() -> str:
    """What dynamic_reconfigure's tools can change."""
    defaults = NodeOptions()
    rows = [
        [f"`{p.name}`", f"{p.value(defaults):g}", f"{p.minimum:g} to {p.maximum:g}", p.description]
        for p in [*PARAMETERS, *WORKSPACE_PARAMETERS]
    ]
    about = "By dynamic_reconfigure; the corners of the workspace if the node was started with one."
    return "\n".join(
        [
            "## Parameters that change while the node runs",
            about,
            "",
            table(("name", "default", "possible", "meaning"), rows),
        ]
    )


def table(head: tuple, rows: list) -> str:
    """A table in Markdown."""
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *escaped]) + "\n"


if __name__ == "__main__":
    main()
