"""Each part of a run that fails at its first, second and a later call: what was before is whole."""

from __future__ import annotations

import errno
import os
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults.promises import find_broken, find_hidden, frames_of_video
from runtime.errors import MgcaError
from runtime.segment.segmenter import Segmenter
from runtime.sinks.base import RunFacts, Sink
from runtime.sinks.jsonl import JsonLines
from runtime.sinks.labels import LabelFolder
from runtime.sinks.overlay import OverlayVideo
from runtime.sources import Source, VideoFile
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream
from tests.support.streams import Keeper, Scenes

FRAMES = 12
NO_MEMORY = MemoryError()
LOST = RuntimeError("device lost")
UNREADABLE = OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture(scope="module")
def segmenter(color_bundle: Path) -> Iterator[Segmenter]:
    with Segmenter.load(color_bundle, "onnxruntime-cpu", threads=1) as segmenter:
        segmenter.set_classes("sky,tree,car", background="none")
        yield segmenter


def failing(kept: Callable[..., Any], nth: int, error: Exception) -> Callable[..., Any]:
    """``kept``, whose nth call raises."""
    calls = [0]

    def call(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == nth:
            raise error
        return kept(*arguments, **options)

    return call


def run_into(folder: Path, source: Source, segmenter: Segmenter) -> tuple[Keeper, Stream]:
    """A run with outputs of each kind, and one that keeps what it gets; ends as it ends."""
    keeper = Keeper()
    sinks: list[Sink] = [
        OverlayVideo(str(folder / "o.mp4")),
        JsonLines(str(folder / "a.jsonl")),
        LabelFolder(str(folder / "labels")),
        keeper,
    ]
    for sink in sinks[:3]:
        sink.prepare(RunFacts(segmenter.class_names, (), "b"))
    stream = Stream(source, segmenter, sinks)
    try:
        Pipeline([stream]).run()
    except BaseException as error:
        assert stream.error is error
    source.close()
    return keeper, stream


PARTS = {
    "read": "tests.support.streams.draw_scene",
    "decode": "runtime.sources.decoding.frame_to_bgr",
    "preprocess": "runtime.segment.model.Model.preprocess",
    "infer": "runtime.segment.model.Model.score",
    "postprocess": "runtime.segment.segmenter.label_as_decided",
}


@pytest.mark.parametrize(("nth", "error"), [(1, NO_MEMORY), (2, UNREADABLE), (7, LOST)])
@pytest.mark.parametrize("part", PARTS)
def test_what_came_before_is_in_every_output(
    part: str, nth: int, error: Exception, segmenter: Segmenter, clip: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    source: Source = VideoFile(str(clip)) if part == "decode" else Scenes(FRAMES)
    kept = pkgutil.resolve_name(PARTS[part])
    monkeypatch.setattr(PARTS[part], failing(kept, nth, error))
    keeper, stream = run_into(tmp_path, source, segmenter)
    assert stream.error is error
    # A picture of a file is held back until the next one says how long it is shown.
    before = max(0, nth - 2) if part == "decode" else nth - 1
    assert keeper.indices == list(range(before)) and keeper.closed == 1
    assert find_broken(tmp_path) == [] and find_hidden(tmp_path) == []
    if before:
        assert frames_of_video(tmp_path / "o.mp4") == before
        assert (tmp_path / "a.jsonl").read_bytes().count(b"\n") == before
        assert len([*(tmp_path / "labels").glob("*.png")]) == before


@pytest.mark.parametrize("nth", [1, 2, 7])
@pytest.mark.parametrize("error", [LOST, NO_MEMORY], ids=repr)
def test_a_device_that_is_lost_ends_the_run_in_one_line(
    nth: int, error: Exception, segmenter: Segmenter, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    session = segmenter.backend._session  # type: ignore[attr-defined]
    kept = session.run
    monkeypatch.setattr(session, "run", failing(kept, nth, error))
    keeper, stream = run_into(tmp_path, Scenes(FRAMES), segmenter)
    assert isinstance(stream.error, MgcaError) and "\n" not in str(stream.error)
    assert keeper.indices == list(range(nth - 1)) and find_broken(tmp_path) == []


@pytest.mark.parametrize(("nth", "error"), [(1, NO_MEMORY), (2, LOST), (7, NO_MEMORY)])
@pytest.mark.parametrize("part", [
    "runtime.sinks.h264.H264Video.write",
    "runtime.sinks.h264.H264Video._next_pts",
    "runtime.sinks.jsonl.json.dumps",
    "runtime.segment.result.Result.to_labels_png",
])  # fmt: skip
def test_an_encoder_that_fails_ends_its_output_alone(
    part: str, nth: int, error: Exception, segmenter: Segmenter, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(part, failing(pkgutil.resolve_name(part), nth, error))
        keeper, stream = run_into(tmp_path, Scenes(FRAMES), segmenter)
    assert stream.error is None and keeper.indices == list(range(FRAMES))
    assert [worker.error for worker in stream.workers if worker.error is not None] == [error]
    assert find_broken(tmp_path) == [] and find_hidden(tmp_path) == []


def test_a_folder_that_is_removed_ends_its_output_alone(
    segmenter: Segmenter, tmp_path: Path
) -> None:
    def remove(index: int) -> None:
        if index == 8:  # the outputs have had some by then: the queues hold fewer
            (tmp_path / "labels").rename(tmp_path / "gone")

    keeper, stream = run_into(tmp_path, Scenes(3 * FRAMES, after=remove), segmenter)
    assert stream.error is None and keeper.indices == list(range(3 * FRAMES))
    (error,) = [worker.error for worker in stream.workers if worker.error is not None]
    assert "--label-dir" in str(error) and os.strerror(errno.ENOENT) in str(error)
    assert frames_of_video(tmp_path / "o.mp4") == 3 * FRAMES and find_broken(tmp_path) == []
