"""A real browser without a screen: playwright's own Chromium, or the system's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")

__all__ = ["open_browser"]


@contextmanager
def open_browser() -> Iterator[Any]:
    """A browser of playwright; skips the test where there is none."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        path = playwright.chromium.executable_path
        if not Path(path).exists():
            path = next(filter(None, map(shutil.which, NAMES)), None)
        if path is None:
            pytest.skip(
                "no Chromium here: apt-get install chromium, or playwright install chromium"
            )
        # As root there is no sandbox; a small /dev/shm, as in containers, ends the page.
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()
