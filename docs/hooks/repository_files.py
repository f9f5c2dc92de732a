"""Brings files from outside ``docs/`` into the site: the README as its front page, the changelog,
the rules for contributors, and the measured figures.

Links are written for a reader of the repository (``../benchmarks/results/camvid.json``); on the way
into the site they are turned into links between its pages.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = "benchmarks/results"
# Where single files of the repository stand in the site.
PAGE_OF_FILE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "LICENSE": "LICENSE",
}
# [text](target) and ![text](target), but no address with a scheme and no mere #anchor.
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?(\))")


def place_in_site(repository_path: str) -> str | None:
    """Where a file of the repository stands in the site; None: nowhere."""
    if repository_path in PAGE_OF_FILE:
        return PAGE_OF_FILE[repository_path]
    for folder, place in (("docs/", ""), (f"{RESULTS}/", "results/")):
        if repository_path.startswith(folder):
            return place + repository_path[len(folder) :]
    return None


def place_in_repository(site_path: str) -> str:
    """The opposite of :func:`place_in_site`."""
    for file, page in PAGE_OF_FILE.items():
        if page == site_path:
            return file
    if site_path.startswith("results/"):
        return f"{RESULTS}/" + site_path[len("results/") :]
    return f"docs/{site_path}"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files (an mkdocs event)."""
    results = (REPOSITORY / RESULTS).rglob("*")
    outside = [*PAGE_OF_FILE, *(str(f.relative_to(REPOSITORY)) for f in results if f.is_file())]
    for path in sorted(outside):
        place = place_in_site(path)
        if place is not None:
            files.append(File.generated(config, place, abs_src_path=str(REPOSITORY / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files into links between pages (an mkdocs event)."""
    here = page.file.src_uri
    folder = posixpath.dirname(place_in_repository(here))

    def turn(link: re.Match[str]) -> str:
        opening, target, anchor, closing = link.groups(default="")
        place = place_in_site(posixpath.normpath(posixpath.join(folder, target)))
        if place is None:
            return link[0]  # mkdocs warns of it
        return opening + posixpath.relpath(place, posixpath.dirname(here)) + anchor + closing

    return LINK.sub(turn, markdown)
