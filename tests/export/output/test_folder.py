"""What an output folder may be."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from export.output.folder import check_output, folder_of_precision, work_folder
from runtime.errors import UserError
from tests.support.processes import started_processes


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


_WORKER = """
import sys, time
from pathlib import Path
from export.output.folder import work_folder
with work_folder(Path(sys.argv[1])) as folder:
    (folder / "half.onnx").write_bytes(b"half")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no locks between processes there")
def test_what_a_killed_export_left_is_removed_and_a_living_one_let_be(tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    command = [sys.executable, "-c", _WORKER, str(out)]
    with started_processes() as start:
        other = start(command)
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        os.utime(theirs, (0, 0))  # as old as can be
        with work_folder(out) as mine:
            assert mine != theirs and mine.is_dir()
        assert (theirs / "half.onnx").exists() and not mine.exists()
    assert theirs.exists()
    os.utime(theirs, (0, 0))
    with work_folder(out):
        assert not theirs.exists()
    assert not list(tmp_path.iterdir())
