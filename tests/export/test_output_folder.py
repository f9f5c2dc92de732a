"""What an output folder may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.output_folder import check_output, folder_of_precision
from runtime.errors import UserError


def test_new_and_empty_folders_are_fine(tmp_path: Path) -> None:
    check_output(tmp_path / "a" / "b", bytes_needed=1)
    check_output(tmp_path, bytes_needed=1)
    assert not list(tmp_path.iterdir())


def test_other_peoples_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(UserError):
        check_output(tmp_path, bytes_needed=1)
    with pytest.raises(UserError):
        check_output(tmp_path / "thesis.txt", bytes_needed=1)
    assert (tmp_path / "thesis.txt").read_text() == "three years"


def test_too_little_disk(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="MiB free on that disk"):
        check_output(tmp_path / "out", bytes_needed=2**60)


def test_folder_that_cannot_be_written() -> None:
    with pytest.raises(UserError, match="cannot be written"):
        check_output(Path("/proc/mgca/out"), bytes_needed=1)


def test_parent_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"):
        check_output(tmp_path / "file" / "out", bytes_needed=1)


def test_first_precision_is_the_folder_itself() -> None:
    names = ("int8", "fp32")
    assert folder_of_precision(Path("b/demo"), "int8", names) == Path("b/demo")
    assert folder_of_precision(Path("b/demo"), "fp32", names) == Path("b/demo-fp32")
