"""An older bundle may be replaced, however its folder is spelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.bundle.writer import check_replaceable
from runtime.demo import DEMO_BUNDLE
from runtime.errors import BundleError


def test_a_bundle_by_a_relative_path_can_be_replaced(monkeypatch):
    monkeypatch.chdir(DEMO_BUNDLE.parent)
    check_replaceable(DEMO_BUNDLE.relative_to(DEMO_BUNDLE.parent))


def test_a_folder_of_something_else_cannot(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match="not a bundle"):
        check_replaceable(Path("photos"))
