"""The documentation site: built without a warning, fetches nothing, and can be read in a wide and a narrow window."""

import os
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from chromium import chromium, wait_for
from conftest import REPO

for module in ("mkdocs", "material", "mkdocstrings_handlers.python"):
    pytest.importorskip(module, reason="needs the extra docs: pip install '.[docs]'")

FETCHED = re.compile(r'<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]*"[^>]*>')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=REPO, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return folder


def test_every_page_of_the_repository_is_one_of_the_site(site):
    pages = {p.relative_to(site).with_suffix("").as_posix() for p in site.rglob("*.html")} - {"404"}
    of_docs = {p.stem for p in (REPO / "docs").glob("*.md")}
    assert pages == of_docs | {"index", "contributing", "examples", "models/default", "models/dense", "models/suction"}


def test_nothing_is_fetched_from_elsewhere_while_a_page_is_read(site):
    for page in site.rglob("*.html"):
        found = [tag for tag in FETCHED.findall(page.read_text()) if 'rel="canonical"' not in tag]
        assert not found, f"{page.name}: {found}"


def test_links_between_pages_hold_where_the_readme_is_the_home_page(site):
    home = (site / "index.html").read_text()
    assert 'href="robot.html"' in home and 'href="contributing.html"' in home and 'src="viewer.png"' in home
    assert 'href="examples.html#moveit_pickpy"' in (site / "robot.html").read_text()
    assert 'id="moveit_pickpy"' in (site / "examples.html").read_text()


def test_the_python_reference_has_signatures_docstrings_and_the_units_of_fields(site):
    page = re.sub(r"<[^>]+>", "", (site / "api.html").read_text())
    assert "Grasps on what depth shows, best first." in page  # a docstring
    assert "widest opening between the pads" in page  # a comment behind a field
    assert "max_grasps" in page and "T_cam_grasp" in page
    assert "_plan_on_gpu" not in page


@pytest.fixture(scope="module")
def address(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("width, height", [(1400, 900), (500, 900)])
def test_in_a_browser_pages_fit_and_the_search_finds(address, width, height, tmp_path):
    with chromium(tmp_path / "profile", width, height) as browser:
        for page in ("index", "how_it_works", "ros_reference", "api", "results"):
            browser.get(f"{address}/{page}.html")
            assert browser.find_element("tag name", "h1").text
            fits = "return document.documentElement.scrollWidth <= window.innerWidth + 1"
            assert browser.execute_script(fits), f"{page} is wider than {width} px"
            broken = "return [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
            assert browser.execute_script(broken) == []
        browser.get(f"{address}/index.html?q=hand-eye")  # material searches for q when a page opens
        results = ".md-search-result__link"
        found = wait_for(browser, lambda: browser.find_elements("css selector", results), 30)
        assert any("robot.html" in link.get_attribute("href") for link in found)
        assert not [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]
