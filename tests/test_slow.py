"""``python -m tests.slow``: parts that exist, and ends that are named."""

from __future__ import annotations

from pathlib import Path

from tests.slow import PARTS, _describe


def test_each_part_is_a_folder_and_the_last_is_all(repository: Path) -> None:
    assert all((repository / one).is_dir() for part in PARTS for one in part)
    assert PARTS[-1] == ("tests",)


def test_an_end_by_a_signal_is_named() -> None:
    assert _describe(-11) == "ended by SIGSEGV"
    assert _describe(1) == "exit code 1"
