"""An older bundle may be replaced, however its folder is spelled."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import Bundle, load_bundle
from runtime.bundle.exchange import exchange
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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's renameat2")
def test_names_are_exchanged_in_one_step(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    if not exchange(tmp_path / "one", tmp_path / "two"):
        pytest.skip("this file system cannot")
    assert (tmp_path / "one" / "two").read_text() == "two"
    assert (tmp_path / "two" / "one").read_text() == "one"
    assert not exchange(tmp_path / "one", tmp_path / "absent")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.parametrize("can", [True, False])
def test_the_older_bundle_goes_and_nothing_is_left_beside(
    make_bundle: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch, can: bool
) -> None:
    older = make_bundle(model_id="older")
    names: list[str] = []
    if not can:
        monkeypatch.setattr("runtime.bundle.writer.exchange", lambda fresh, target: False)
    rename = os.rename

    def watched(source: Any, target: Any) -> None:
        names.append(Path(source).name)
        rename(source, target)

    monkeypatch.setattr(os, "rename", watched)
    make_bundle(model_id="newer")
    assert load_bundle(older.path).manifest.model_id == "newer"
    beside = {path.name for path in older.path.parent.iterdir()}
    assert not [name for name in beside if name.startswith(".bundle")]
    if not can:  # the older one aside, then the fresh one in
        assert [name.split(".")[-1] for name in names] == ["bundle", "partial"]
