"""Two processes that write a bundle to one place: at every moment a whole one stands there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import Bundle, load_bundle
from runtime.errors import BundleError
from tests.support.processes import LIMIT_S, command_environment, started_processes

TIMES = 12
WRITER = """
import sys
from pathlib import Path
from runtime.bundle import write_bundle
from tests.support.bundle import write_hand_made_bundle
target, own, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
made = write_hand_made_bundle(own, model_id=name)
files = {{path.name: path.read_bytes() for path in own.iterdir() if path.name != "manifest.json"}}
print("ready", flush=True)
sys.stdin.readline()
for _ in range({times}):
    write_bundle(target, made.manifest, files)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's renameat2")
def test_a_whole_one_stands_at_every_moment(tmp_path: Path) -> None:
    target, code = tmp_path / "place" / "bundle", WRITER.format(times=TIMES)
    target.parent.mkdir()
    seen = []
    with started_processes() as start:
        writers = [
            start(
                [sys.executable, "-c", code, target, tmp_path / name, name],
                env=command_environment(),
                stdin=subprocess.PIPE,
            )
            for name in ("one", "other")
        ]
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        while any(writer.poll() is None for writer in writers):
            if not target.exists():
                assert not seen  # once there, it is never gone
                continue
            try:
                seen.append(load_bundle(target).manifest.model_id)
            except BundleError:
                seen.append("read while it was replaced")
        said = [writer.communicate(timeout=LIMIT_S)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], said
    assert {"one", "other"} & set(seen) and load_bundle(target).manifest.model_id in seen
    assert [path.name for path in target.parent.iterdir()] == ["bundle"]


def test_one_that_comes_between_look_and_rename_is_replaced(
    make_bundle: Callable[..., Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_bundle("other", model_id="other").path
    rename, target = os.rename, tmp_path / "bundle"

    def late(source: Any, place: Any) -> None:
        if Path(place) == target and not target.exists():
            rename(other, target)
        rename(source, place)

    monkeypatch.setattr(os, "rename", late)
    make_bundle("bundle", model_id="mine")
    assert load_bundle(target).manifest.model_id == "mine"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["bundle"]


def test_what_comes_between_and_is_no_bundle_stays(
    make_bundle: Callable[..., Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, target = os.rename, tmp_path / "bundle"

    def late(source: Any, place: Any) -> None:
        if Path(place) == target:
            target.mkdir()
            (target / "precious").write_text("x")
        rename(source, place)

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(BundleError, match="not a bundle"):
        make_bundle("bundle")
    assert [path.name for path in target.iterdir()] == ["precious"]
