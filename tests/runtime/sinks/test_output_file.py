"""Output paths: refused in time, made where missing, and never damaged."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from runtime.errors import UserError
from runtime.sinks.claims import Claims
from runtime.sinks.output_file import OutputFile, check_folder, make_folder
from tests.support.streams import wait_for_end


def test_check_leaves_no_trace(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b", "--label-dir")
    OutputFile(tmp_path / "c" / "d.json", "--report").check(Claims([], "no-bundle"))
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_made(tmp_path: Path) -> None:
    made = make_folder(tmp_path / "a" / "b", "--label-dir")
    assert made == [tmp_path / "a", tmp_path / "a" / "b"]
    assert make_folder(tmp_path / "a" / "b", "--label-dir") == []


def test_nothing_is_made_under_the_root() -> None:
    with pytest.raises(UserError, match="does not exist"):
        check_folder(Path("/no-such-folder/at/all"), "--label-dir")
    assert not Path("/no-such-folder").exists()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    for path in (file / "a.mp4", file / "b" / "a.mp4", Path("/proc/a.mp4"), tmp_path, Path("")):
        with pytest.raises(UserError):
            OutputFile(path if path != Path("") else "", "--out").check(Claims([], "no-bundle"))
    assert file.read_text() == "x"


def test_a_folder_without_permission() -> None:
    # Root may write anywhere: for the moment of the check, it is somebody else.
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as locked:
        os.chmod(locked, 0o555)
        if user == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(UserError, match="Permission denied"):
                check_folder(Path(locked), "--label-dir")
            with pytest.raises(UserError, match="Permission denied"):
                check_folder(Path(locked, "new"), "--label-dir")
        finally:
            os.seteuid(user)


def test_publish_replaces_in_one_step_and_writing_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    file = OutputFile(path, "--jsonl")
    file.open()
    file.write_all(b"new")
    assert path.read_bytes() == b"old"
    file.publish()
    file.write_all(b"er")
    file.publish()
    file.close()
    assert path.read_bytes() == b"newer" and list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_written_to_directly(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    file = OutputFile(f"/dev/fd/{writing}", "--jsonl")  # as a shell's >(command) is given
    file.check(Claims([], "no-bundle"))
    file.open()
    file.write_all(b"line")
    file.publish()
    file.close()
    os.close(writing)
    assert os.read(reading, 100) == b"line"
    os.close(reading)


def test_two_outputs_may_make_one_folder_at_once(tmp_path: Path) -> None:
    """Both see that it is missing; one of them is the first to make it."""
    both_looked = threading.Barrier(2)

    class Folder(type(tmp_path)):  # type: ignore[misc]
        def mkdir(self, *arguments: Any, **options: Any) -> None:
            if self.name == "shared":
                both_looked.wait(30)
            super().mkdir(*arguments, **options)

    made: list[list[Path]] = []
    threads = [
        threading.Thread(
            target=lambda name=name: made.append(
                make_folder(Folder(tmp_path / "shared" / name), "-")
            ),
            daemon=True,
        )
        for name in ("one", "two")
    ]
    for thread in threads:
        thread.start()
    wait_for_end(*threads)
    assert sorted(len(one) for one in made) == [1, 2]
    assert sorted(path.name for path in (tmp_path / "shared").iterdir()) == ["one", "two"]


def test_of_two_that_appear_at_their_end_the_last_one_stays_whole(tmp_path: Path) -> None:
    """As reports and COCO files do."""
    files = [OutputFile(tmp_path / "r.json", "--report") for _ in range(2)]
    for number, file in enumerate(files):
        file.open()
        file.write_all(b"%d" % number * 9)
    for file in files:
        file.publish()
        file.close()
    assert (tmp_path / "r.json").read_bytes() == b"1" * 9
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
