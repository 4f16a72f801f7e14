"""The pages' links, modules, files and options exist, and the README stays short."""

import importlib
import re

import pytest
from conftest import REPO

PAGES = [
    *(REPO / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
    *sorted((REPO / "docs").glob("*.md")),
]
REFERENCE = [p for p in PAGES if p.name != "log.md"]  # what is true now


def anchors(page):
    """GitHub's anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", REFERENCE, ids=lambda p: p.name)
def test_every_module_that_is_named_exists(page):
    for name in sorted(set(re.findall(r"(?<![\w/.])antipodal(?:\.[a-z_]+)+", page.read_text()))):
        if name.split(".")[1] not in ("msg", "srv", "ros"):
            assert source_of(name), name


def source_of(name):
    """Whether a dotted name is a module of the package, or an attribute of one."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return hasattr(importlib.import_module(module), attribute)
    return True


ROOTS = (REPO, REPO / "examples", REPO / "src", REPO / "src" / "antipodal", REPO / "src" / "antipodal" / "synth")
FILES = {
    p.name for folder in ("src", "tests", "launch", "docs", "models", "examples") for p in (REPO / folder).rglob("*")
}
FILES |= {p.name for p in REPO.iterdir()}


@pytest.mark.parametrize("page", REFERENCE, ids=lambda p: p.name)
def test_every_file_that_is_named_exists(page):
    for name in re.findall(r"`([\w./]+\.(?:py|launch|yaml|txt|md|pt))`", page.read_text()):
        if "/" in name:
            assert any((root / name).exists() for root in ROOTS), name
        else:
            assert name in FILES, name


def test_the_readme_is_short():
    assert len((REPO / "README.md").read_text().splitlines()) < 150


def test_python_of_the_start_page_runs(monkeypatch, capsys):
    monkeypatch.chdir(REPO)
    (code,) = re.findall(r"```python\n(.*?)```", (REPO / "docs" / "start.md").read_text(), re.S)
    exec(compile(code, "docs/start.md", "exec"), {})  # our own page
    assert "[[" in capsys.readouterr().out


@pytest.mark.parametrize("page", [p for p in PAGES if "```python" in p.read_text()], ids=lambda p: p.name)
def test_python_on_the_pages_compiles_and_its_imports_exist(page):
    for code in re.findall(r"```python\n(.*?)```", page.read_text(), re.S):
        compile(code, str(page), "exec")
        for module, names in re.findall(r"^from (antipodal\.\w+(?:\.\w+)*) import (.+)$", code, re.M):
            if not module.endswith((".srv", ".msg")):
                assert all(hasattr(importlib.import_module(module), n.strip()) for n in names.split(",")), module
