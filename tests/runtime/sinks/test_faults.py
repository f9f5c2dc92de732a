"""Outputs whose disk fails at the first, the second or a later moment: what stands is whole."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.faults.promises import find_broken, find_hidden, frames_of_video
from runtime.errors import MgcaError, UserError
from runtime.sinks.base import RunFacts, Sink
from runtime.sinks.claims import Claims
from runtime.sinks.coco import CocoInstances
from runtime.sinks.jsonl import JsonLines
from runtime.sinks.label_video import LabelVideo
from runtime.sinks.labels import LabelFolder
from runtime.sinks.output_file import OutputFile
from runtime.sinks.overlay import OverlayVideo
from runtime.sinks.pictures import OverlayPictures
from runtime.sinks.recording import Recording
from runtime.sinks.voc import VocFolder
from runtime.sinks.write_pipe import WritePipe
from tests.support.frames import scene

NAMES = ("sky", "tree", "car")
SINKS: dict[str, Callable[[Path], Sink]] = {
    "out": lambda folder: OverlayVideo(str(folder / "o.mp4")),
    "label_video": lambda folder: LabelVideo(str(folder / "l.mkv")),
    "labels": lambda folder: LabelFolder(str(folder / "labels")),
    "voc": lambda folder: VocFolder(str(folder / "voc")),
    "pictures": lambda folder: OverlayPictures(str(folder / "pictures/")),
    "jsonl": lambda folder: JsonLines(str(folder / "a.jsonl")),
    "coco": lambda folder: CocoInstances(str(folder / "c.json")),
    "record": lambda folder: Recording(str(folder / "rec"), segment_s=1.0),
}
FRAMES = 25


def opened(make: Callable[[Path], Sink], folder: Path) -> Sink:
    sink = make(folder)
    sink.check(Claims([], "no-bundle", class_names=NAMES))
    sink.prepare(RunFacts(NAMES, (), "b", stream="door"))
    return sink


def write_until_it_fails(sink: Sink) -> Exception | None:
    """As a run does: the first error ends the output, which is closed in any case."""
    first: Exception | None = None
    try:
        for index in range(FRAMES):
            sink.write(scene(index))
    except (MgcaError, MemoryError) as error:
        first = error
    try:
        sink.close()
    except (MgcaError, MemoryError) as error:
        first = first or error
    return first


@contextmanager
def disk_of(largest_file: int) -> Iterator[None]:
    """No file can grow beyond that many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("key", SINKS)
@pytest.mark.parametrize("largest", [0, 500, 1500, 9000])
def test_a_disk_that_fills_up(key: str, largest: int, tmp_path: Path) -> None:
    with disk_of(largest):
        failure = write_until_it_fails(opened(SINKS[key], tmp_path))
    assert failure is None or "could not be written (File too large)" in str(failure)
    assert find_broken(tmp_path) == [] and find_hidden(tmp_path) == []
    if largest == 0:
        assert failure is not None and contents(tmp_path) == {}


@pytest.mark.parametrize("key", ["out", "label_video", "jsonl", "coco"])
def test_an_older_file_outlives_a_disk_that_is_full(key: str, tmp_path: Path) -> None:
    """Also where the head of the new one still had room."""
    assert write_until_it_fails(opened(SINKS[key], tmp_path)) is None
    before = contents(tmp_path)
    for largest in (0, 700):
        with disk_of(largest):
            failure = write_until_it_fails(opened(SINKS[key], tmp_path))
        (name,) = before
        if contents(tmp_path) != before:  # a first part of the new one stands there, and is whole
            assert key == "jsonl" or frames_of_video(tmp_path / name) > 0
        assert failure is not None and find_broken(tmp_path) == find_hidden(tmp_path) == []


@pytest.mark.parametrize("key", SINKS)
@pytest.mark.parametrize(
    ("nth", "number"), [(1, errno.ENOSPC), (2, errno.EACCES), (5, errno.ENOENT)]
)
def test_a_file_that_cannot_be_put_in_its_place(
    key: str, nth: int, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No room for a name, permission lost, the folder gone: at the first, second, fifth rename."""
    calls = [0]

    def fail(kept: Callable[..., None]) -> Callable[..., None]:
        def rename(*paths: object) -> None:
            calls[0] += 1
            if calls[0] >= nth:
                raise OSError(number, os.strerror(number))
            kept(*paths)

        return rename

    sink = opened(SINKS[key], tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", fail(os.replace))
        patch.setattr("os.rename", fail(os.rename))
        failure = write_until_it_fails(sink)
    assert (failure is None) == (calls[0] < nth)
    assert failure is None or os.strerror(number) in str(failure)
    assert find_broken(tmp_path) == [] and find_hidden(tmp_path) == []


@pytest.mark.parametrize("nth", [1, 20])
@pytest.mark.parametrize("key", ["out", "label_video", "record"])
def test_out_of_memory_between_encoder_and_file(
    key: str, nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reaches the run, and does not go through FFmpeg."""
    calls, kept = [0], WritePipe.write

    def write(pipe: WritePipe, content: bytes) -> int:
        calls[0] += 1
        if calls[0] == nth:
            monkeypatch.setattr(pipe, "_write_all", fail)
        return kept(pipe, content)

    def fail(content: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr(WritePipe, "write", write)
    failure = write_until_it_fails(opened(SINKS[key], tmp_path))
    assert isinstance(failure, MemoryError) == (calls[0] >= nth)
    assert find_broken(tmp_path) == [] and find_hidden(tmp_path) == []


@pytest.mark.parametrize("key", ["out", "label_video", "jsonl"])
def test_a_file_that_is_removed_while_it_is_written_is_told(key: str, tmp_path: Path) -> None:
    sink = opened(SINKS[key], tmp_path)
    for index in range(20):
        sink.write(scene(index))
    (path,) = tmp_path.iterdir()
    path.unlink()
    with pytest.raises(MgcaError, match="was removed or replaced while it was written"):
        sink.close()
    sink.close()


def test_a_log_that_is_moved_away_is_written_on(tmp_path: Path) -> None:
    """As logrotate does it: nothing is lost."""
    sink = opened(SINKS["jsonl"], tmp_path)
    sink.write(scene(0))
    (tmp_path / "a.jsonl").rename(tmp_path / "a.jsonl.1")
    sink.write(scene(1))
    sink.close()
    assert (tmp_path / "a.jsonl.1").read_bytes().count(b"\n") == 2


@pytest.mark.parametrize("key", ["out", "label_video", "jsonl", "labels", "voc"])
def test_what_another_run_is_writing_is_refused(key: str, tmp_path: Path) -> None:
    late = opened(SINKS[key], tmp_path)  # checked before the other has written anything
    running = opened(SINKS[key], tmp_path)
    for index in range(20):
        running.write(scene(index))
    with pytest.raises(UserError, match="is being written by another run"):
        opened(SINKS[key], tmp_path)
    failure = write_until_it_fails(late)
    assert "is being written by another run" in str(failure)
    running.close()
    assert find_broken(tmp_path) == [] and find_hidden(tmp_path) == []
    assert write_until_it_fails(opened(SINKS[key], tmp_path)) is None  # it is free again


@pytest.mark.parametrize(("key", "says"), [("labels", "another run has written"),
                                           ("voc", "a data set of other classes")])  # fmt: skip
def test_a_run_that_began_with_an_empty_folder_finds_anothers_in_it(
    key: str, says: str, tmp_path: Path
) -> None:
    late = SINKS[key](tmp_path)
    late.check(Claims([], "no-bundle", class_names=NAMES[::-1]))
    late.prepare(RunFacts(NAMES[::-1], (), "b"))
    assert write_until_it_fails(opened(SINKS[key], tmp_path)) is None
    before = contents(tmp_path)
    assert says in str(write_until_it_fails(late))
    assert contents(tmp_path) == before


def test_files_beside_differ_also_where_process_numbers_do_not(tmp_path: Path) -> None:
    """Each container's run is process number 1."""
    files = [OutputFile(tmp_path / "a.jsonl", "--jsonl") for _ in range(2)]
    for file in files:
        file.open()
    assert len(find_hidden(tmp_path)) == 2
    for file in files:
        file.close()
    assert find_hidden(tmp_path) == []
