"""A hook of mkdocs: pages of the site that are no files of docs/, with their links turned to where they lead there."""

import os
import re
from pathlib import Path

from mkdocs.structure.files import File

REPO = Path(__file__).resolve().parents[1]
PAGES = {  # file of the repository: page of the site
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/README.md": "examples.md",
    "models/default.md": "models/default.md",
    "models/dense.md": "models/dense.md",
    "models/suction.md": "models/suction.md",
}
LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(?=\))")


def on_files(files, config):
    """Add the pages."""
    for source, page in PAGES.items():
        text = (REPO / source).read_text()
        if source == "examples/README.md":
            text += "".join(map(listing, sorted((REPO / "examples").glob("*.py"))))
        files.append(File.generated(config, page, content=text))
    return files


def listing(script):
    """A script as a section of the examples' page."""
    return f"\n## {script.name}\n```python\n{script.read_text()}```\n"


def on_page_markdown(markdown, page, config, files):
    """The page's text with its links as the site has them."""
    uri = page.file.src_uri
    source = next((s for s, p in PAGES.items() if p == uri), f"docs/{uri}")
    return LINK.sub(lambda link: link.group(1) + relinked(link.group(2), link.group(3) or "", source, uri), markdown)


def relinked(target, anchor, source, uri):
    """A link of the repository's file `source` to another, as one of the site's page `uri`."""
    path = os.path.normpath(os.path.join(os.path.dirname(source), target))
    if path.startswith("examples/") and path.endswith(".py"):
        path, anchor = "examples/README.md", "#" + os.path.basename(path).replace(".", "")
    page = PAGES.get(path, path[len("docs/") :] if path.startswith("docs/") else None)
    return target + anchor if page is None else os.path.relpath(page, os.path.dirname(uri) or ".") + anchor
