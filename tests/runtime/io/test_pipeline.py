"""The pipeline with a real segmenter: order, dropping, errors, stopping, honest times."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clips import draw_scene, scene_labels

from runtime.errors import MgcaError, SourceGoneError
from runtime.segment.segmenter import Segmenter
from runtime.sinks import SegmentedFrame, Sink
from runtime.sources import Frame, Source, VideoFile
from runtime.stream.pipeline import Pipeline


class Keeper(Sink):
    """Keeps what it is given; may be slow, or break."""

    def __init__(self, pause_s: float = 0.0, break_at: int | None = None) -> None:
        self.items: list[SegmentedFrame] = []
        self.pause_s = pause_s
        self.break_at = break_at

    def check(self) -> None:
        pass

    def write(self, item: SegmentedFrame) -> None:
        if len(self.items) == self.break_at:
            raise MgcaError("the disk is full")
        time.sleep(self.pause_s)
        self.items.append(item)

    def close(self) -> None:
        pass


class Scenes(Source):
    """Drawn scenes at a pace, live or not, that may end with an error."""

    def __init__(
        self,
        count: int,
        *,
        live: bool = False,
        pause_s: float = 0.0,
        error: Exception | None = None,
    ) -> None:
        super().__init__("scenes")
        self.live, self.count, self.pause_s, self.error = live, count, pause_s, error

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for index in range(self.count):
            if stop.is_set():
                return
            time.sleep(self.pause_s)
            image_bgr, now = draw_scene(index), time.perf_counter()
            yield Frame(index, index * self.pause_s, image_bgr, f"{index:06d}", 1.0, now)
        if self.error is not None:
            raise self.error


@pytest.fixture(scope="module")
def segmenter(color_bundle: Path) -> Iterator[Segmenter]:
    with Segmenter.load(color_bundle, threads=1) as segmenter:
        segmenter.set_classes("sky,tree,car", background="none")
        yield segmenter


def test_every_frame_of_a_file_in_order_with_its_masks(segmenter: Segmenter, clip: Path) -> None:
    keeper = Keeper(pause_s=0.005)
    source = VideoFile(str(clip))
    statistics = Pipeline(source, segmenter, [keeper]).run()
    source.close()
    assert [item.frame.index for item in keeper.items] == list(range(12))
    for item in keeper.items:
        right = item.result.labels == scene_labels(item.frame.index)
        assert right.mean() > 0.93  # all but the borders, which the model's grid blurs
    assert (statistics.frames_in, statistics.frames_processed) == (12, 12)
    assert statistics.frames_dropped == statistics.frames_unfinished == 0


def test_a_slow_output_makes_a_live_source_drop(segmenter: Segmenter) -> None:
    keeper = Keeper(pause_s=0.05)
    statistics = Pipeline(Scenes(100, live=True, pause_s=0.002), segmenter, [keeper]).run()
    assert statistics.frames_in == 100 and statistics.frames_dropped > 10
    assert statistics.frames_processed + statistics.frames_dropped == 100
    indices = [item.frame.index for item in keeper.items]
    assert indices == sorted(set(indices)) and indices[-1] == 99


def test_after_a_stall_a_live_source_goes_on_with_its_newest_frame(segmenter: Segmenter) -> None:
    """An output hangs while 200 frames go by: at most one of them is old when it goes on."""
    hangs, passed_by = threading.Event(), threading.Event()

    class Camera(Scenes):
        def frames(self, stop: threading.Event) -> Iterator[Frame]:
            for frame in super().frames(stop):
                yield frame
                assert hangs.wait(20)
            passed_by.set()

    class Hanging(Keeper):
        def write(self, item: SegmentedFrame) -> None:
            hangs.set()
            assert passed_by.wait(20)
            super().write(item)

    keeper = Hanging()
    Pipeline(Camera(200, live=True), segmenter, [keeper]).run()
    indices = [item.frame.index for item in keeper.items]
    assert indices[0] == 0 and indices[-1] == 199 and len(indices) <= 3


def test_a_file_never_drops_however_slow_the_output(segmenter: Segmenter) -> None:
    keeper = Keeper(pause_s=0.02)
    statistics = Pipeline(Scenes(20), segmenter, [keeper]).run()
    assert statistics.frames_dropped == 0 and len(keeper.items) == 20


@pytest.mark.parametrize(("every", "most", "expected"), [
    (1, 5, [0, 1, 2, 3, 4]), (4, None, [0, 4, 8]), (3, 2, [0, 3]),
])  # fmt: skip
def test_every_and_max_frames(segmenter: Segmenter, every, most, expected) -> None:
    keeper = Keeper()
    pipeline = Pipeline(Scenes(12), segmenter, [keeper], every=every, max_frames=most)
    statistics = pipeline.run()
    assert [item.frame.index for item in keeper.items] == expected
    counted = statistics.frames_processed + statistics.frames_skipped
    assert statistics.frames_in == counted and statistics.frames_unfinished == 0


def test_max_frames_ends_a_live_source(segmenter: Segmenter) -> None:
    keeper = Keeper()
    Pipeline(Scenes(10**6, live=True, pause_s=0.002), segmenter, [keeper], max_frames=4).run()
    assert len(keeper.items) == 4


def test_what_came_before_a_sources_end_is_still_written(segmenter: Segmenter) -> None:
    keeper = Keeper(pause_s=0.01)
    with pytest.raises(SourceGoneError, match="gone"):
        Pipeline(Scenes(6, error=SourceGoneError("gone")), segmenter, [keeper]).run()
    assert len(keeper.items) == 6


def test_an_error_in_an_output_ends_the_run(segmenter: Segmenter) -> None:
    keeper = Keeper(break_at=3)
    pipeline = Pipeline(Scenes(10**6), segmenter, [keeper])
    with pytest.raises(MgcaError, match="disk is full"):
        pipeline.run()
    assert len(keeper.items) == 3 and pipeline.capture_ended


def test_an_error_in_inference_ends_the_run(color_bundle: Path) -> None:
    with Segmenter.load(color_bundle, threads=1) as without_classes:
        with pytest.raises(MgcaError, match="no classes"):
            Pipeline(Scenes(10**6), without_classes, [Keeper()]).run()


def test_stop_ends_the_run_and_counts_what_was_left(segmenter: Segmenter) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    keeper = Keeper(pause_s=0.01)
    statistics = Pipeline(Scenes(10**6), segmenter, [keeper], stop=stop).run()
    assert 0 < statistics.frames_processed == len(keeper.items)
    assert statistics.frames_in == statistics.frames_processed + statistics.frames_unfinished
    assert statistics.frames_unfinished <= 8  # the queues are bounded


def test_classes_may_change_while_it_runs(color_bundle: Path) -> None:
    with Segmenter.load(color_bundle, threads=1) as segmenter:
        segmenter.set_classes("sky,tree,car", background="none")
        keeper = Keeper()

        def change(statistics: object) -> None:
            if len(keeper.items) == 5:
                segmenter.set_classes("car,sand", background="none")

        Pipeline(Scenes(30), segmenter, [keeper], on_frame=change).run()
    names = [item.result.class_names for item in keeper.items]
    assert names[0] == ("sky", "tree", "car") and names[-1] == ("car", "sand")
    assert set(np.unique(keeper.items[-1].result.labels)) <= {0, 1}


def test_times_are_the_clocks(segmenter: Segmenter) -> None:
    keeper = Keeper(pause_s=0.01)
    before = time.perf_counter()
    statistics = Pipeline(Scenes(10), segmenter, [keeper]).run()
    elapsed_s = time.perf_counter() - before
    assert 0.1 <= statistics.duration_s <= elapsed_s
    assert statistics.fps == pytest.approx(10 / statistics.duration_s)
    for item in keeper.items:
        parts = [item.latency_ms[s] for s in ("capture", "preprocess", "infer", "postprocess")]
        assert all(ms > 0 for ms in parts)
        assert item.latency_ms["total"] == pytest.approx(sum(parts))
    stages = statistics.stages_ms()
    assert stages["output"]["p50"] >= 10
    for figures in stages.values():
        assert figures["p50"] <= figures["p90"] <= figures["p95"] <= figures["p99"]


def test_stages_overlap(segmenter: Segmenter) -> None:
    """While one frame is written, the next is captured and segmented."""
    written_while: list[int] = []

    class Camera(Scenes):
        captured = 0

        def frames(self, stop: threading.Event) -> Iterator[Frame]:
            for frame in super().frames(stop):
                self.captured += 1
                yield frame

    class Slow(Keeper):
        def write(self, item: SegmentedFrame) -> None:
            before = camera.captured
            end = time.monotonic() + 20
            while camera.captured < min(before + 1, 20) and time.monotonic() < end:
                time.sleep(0.001)
            written_while.append(camera.captured - before)
            super().write(item)

    camera = Camera(20)
    Pipeline(camera, segmenter, [Slow()]).run()
    # The read-ahead is bounded, so that not every write sees a capture; a serial run sees none.
    assert sum(written_while) >= 3
