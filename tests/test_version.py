"""One version everywhere: package.xml, pyproject.toml, the changelog, and what the installed package says."""

import re

import pytest
from conftest import REPO

from antipodal import resources


def manifest():
    return re.findall(r"<version>(.*?)</version>", (REPO / "package.xml").read_text())[0]


@pytest.mark.parametrize("file", ["pyproject.toml", "setup.py"])
def test_what_pip_and_catkin_read_agrees_with_package_xml(file):
    assert re.findall(r'\bversion ?= ?"(\d.*?)"', (REPO / file).read_text()) == [manifest()]


def test_the_lookup_says_it_with_pip_and_without(monkeypatch):
    def nobody(name):
        raise resources.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(resources.metadata, "version", nobody)
    assert resources.version() == manifest()
    monkeypatch.setattr(resources.metadata, "version", lambda name: "9.9.9")
    assert resources.version() == "9.9.9"


def test_the_changelog_has_a_dated_release_of_it_and_a_part_to_come():
    page = (REPO / "CHANGELOG.rst").read_text()
    assert re.search(rf"^{re.escape(manifest())} \(\d{{4}}-\d\d-\d\d\)\n-+\n", page, re.M)
    assert re.search(r"^Forthcoming\n-+\n", page, re.M)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_catkin_reads_the_changelog():
    changelog = pytest.importorskip("catkin_pkg.changelog")
    releases = changelog.get_changelog_from_path(str(REPO / "CHANGELOG.rst"))
    assert manifest() in [release for release, _, _ in releases.foreach_version()]
