"""``python -m tests.slow``: a lost process costs a second look, a failing test fails it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import slow

ONCE = """
import os, pathlib, signal, pytest

@pytest.mark.slow
def test_crashes_once():
    seen = pathlib.Path("seen")
    if not seen.exists():
        seen.touch()
        os.kill(os.getpid(), signal.SIGKILL)

@pytest.mark.slow
def test_passes():
    pass
"""
NEVER = """
import pytest

@pytest.mark.slow
def test_fails():
    assert False
"""


def test_each_part_is_a_folder_and_the_last_is_the_rest(repository: Path) -> None:
    assert all((repository / one).is_dir() for part in slow.FOLDERS for one in part)
    assert slow.PARTS[-1][0] == "tests"


@pytest.mark.slow
@pytest.mark.parametrize(("source", "passes"), [(ONCE, True), (NEVER, False)])
def test_a_part(
    source: str, passes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    (tmp_path / "test_it.py").write_text(source)
    monkeypatch.setattr(slow, "REPOSITORY", tmp_path)
    assert slow.run_part((".",), "1", ["--timeout", "60"]) is passes
    assert "exit code 1; once more, a file at a time" in capfd.readouterr().out
