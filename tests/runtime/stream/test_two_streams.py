"""Two real sources share one model: a file and a network camera, each with its own words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime import Model, Segmenter
from runtime.errors import SourceGoneError
from runtime.sources import StreamSource, VideoFile
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream
from tests.support.clips import scene_labels, write_clip
from tests.support.rtsp_server import RtspServer
from tests.support.streams import Keeper, OtherKeeper, Scenes, wait_for


@pytest.fixture(scope="module")
def model(color_bundle: Path) -> Iterator[Model]:
    with Model.load(color_bundle, "onnxruntime-cpu", threads=1) as model:
        yield model


@pytest.fixture
def words_of(model: Model):
    """Another segmenter of the same model, with words of its own."""

    def make(words: str) -> Segmenter:
        other = Segmenter(model)
        other.set_classes(words, background="none")
        return other

    return make


def test_a_file_and_a_camera_side_by_side(words_of, camera_clip: Path, tmp_path: Path) -> None:
    file = VideoFile(str(write_clip(tmp_path / "long.mp4", 40)))
    of_file, of_camera = Keeper(), Keeper()
    with RtspServer(camera_clip, frames=60) as server:
        streams = [
            Stream(file, words_of("sky,tree,car"), [of_file]),
            Stream(StreamSource(server.url), words_of("car,sand"), [of_camera], max_frames=15),
        ]
        Pipeline(streams).run()
    file.close()
    assert of_file.indices == list(range(40))  # a file waits, whoever runs beside it
    assert len(of_camera.items) == 15 and of_camera.indices == sorted(set(of_camera.indices))
    for item in of_file.items:
        assert item.result.class_names == ("sky", "tree", "car")
        assert (item.result.labels == scene_labels(item.frame.index)).mean() > 0.93
    assert {item.result.class_names for item in of_camera.items} == {("car", "sand")}
    assert [stream.statistics.frames_processed for stream in streams] == [40, 15]
    assert all(stream.error is None and stream.capture_ended for stream in streams)


def test_a_stream_whose_output_hangs_does_not_stop_the_other(words_of) -> None:
    """The first one's output hangs until the second file is through."""
    through = threading.Event()
    hanging = Keeper(before=lambda: wait_for(through))
    other = OtherKeeper(before=lambda: through.set() if len(other.items) == 29 else None)
    streams = [
        Stream(Scenes(30), words_of("car"), [hanging]),
        Stream(Scenes(30), words_of("car"), [other]),
    ]
    Pipeline(streams).run()
    assert through.is_set()
    assert hanging.indices == other.indices == list(range(30))


def test_a_stream_that_fails_ends_alone_and_is_told_at_the_end(words_of) -> None:
    gone, other = Keeper(), Keeper()
    streams = [
        Stream(Scenes(3, error=SourceGoneError("gone")), words_of("car"), [gone]),
        Stream(Scenes(30), words_of("car"), [other]),
    ]
    with pytest.raises(SourceGoneError, match="gone"):
        Pipeline(streams).run()
    assert len(gone.items) == 3 and other.indices == list(range(30))


def test_stop_ends_all(words_of) -> None:
    stop = threading.Event()
    first, second = Keeper(), Keeper()
    streams = [
        Stream(Scenes(3000), words_of("car"), [first]),
        Stream(Scenes(3000, live=True, pause_s=0.001), words_of("car"), [second]),
    ]
    first.before = lambda: stop.set() if len(first.items) > 5 and second.items else None
    Pipeline(streams, stop=stop).run()
    assert len(first.items) > 5 and second.items
    assert (first.closed, second.closed) == (1, 1)
