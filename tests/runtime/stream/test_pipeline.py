"""One stream with a real segmenter: order, dropping, errors, stopping, honest times."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import MgcaError, SourceGoneError
from runtime.events import Event
from runtime.segment.segmenter import Segmenter
from runtime.sinks.base import Sink
from runtime.sources import Frame, Source, VideoFile
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream
from tests.support.clips import scene_labels
from tests.support.streams import LONG_S, Keeper, OtherKeeper, Scenes, wait_for


@pytest.fixture(scope="module")
def segmenter(color_bundle: Path) -> Iterator[Segmenter]:
    with Segmenter.load(color_bundle, "onnxruntime-cpu", threads=1) as segmenter:
        segmenter.set_classes("sky,tree,car", background="none")
        yield segmenter


def run(source: Source, segmenter: Segmenter, *sinks: Sink, **options) -> Stream:
    stream = Stream(source, segmenter, sinks, **options)
    Pipeline([stream]).run()
    return stream


def test_every_frame_of_a_file_in_order_with_its_masks(segmenter: Segmenter, clip: Path) -> None:
    keeper, other = Keeper(pause_s=0.005), OtherKeeper()
    source = VideoFile(str(clip))
    statistics = run(source, segmenter, keeper, other).statistics
    source.close()
    assert keeper.indices == other.indices == list(range(12))
    for item in keeper.items:
        right = item.result.labels == scene_labels(item.frame.index)
        assert right.mean() > 0.93  # all but the borders, which the model's grid blurs
    assert (statistics.frames_in, statistics.frames_processed) == (12, 12)
    assert statistics.frames_dropped == statistics.frames_unfinished == 0
    assert (keeper.closed, other.closed) == (1, 1)
    assert keeper.threads == {"sink keeper"}
    assert other.threads == {"sink other_keeper"}


def test_a_slow_output_makes_a_live_source_drop(segmenter: Segmenter) -> None:
    """While the output writes one frame, the camera takes six."""
    camera = Scenes(100, live=True)

    def dawdle() -> None:
        until, end = min(camera.captured + 6, 100), time.monotonic() + LONG_S
        while camera.captured < until and time.monotonic() < end:
            time.sleep(0.001)

    keeper = Keeper(before=dawdle)
    stream = run(camera, segmenter, keeper)
    statistics = stream.statistics
    assert statistics.frames_in == 100 and statistics.frames_dropped > 50
    assert statistics.frames_processed + statistics.frames_dropped == 100
    assert keeper.indices == sorted(set(keeper.indices)) and keeper.indices[-1] == 99
    assert stream.workers[0].dropped == 0  # nothing is segmented that nobody could take


def test_beside_a_quick_output_a_slow_one_drops_alone_and_counts(segmenter: Segmenter) -> None:
    """The slow one hangs until the quick one has had its twenty frames."""
    enough = threading.Event()
    quick = Keeper(before=lambda: enough.set() if len(quick.items) == 20 else None)
    slow = OtherKeeper(before=lambda: wait_for(enough))
    camera = Scenes(3000, live=True, pause_s=0.02)
    stream = run(camera, segmenter, slow, quick, max_frames=30)
    dropped = [worker.dropped for worker in stream.workers]
    assert quick.indices == sorted(set(quick.indices)) and len(quick.items) + dropped[1] == 30
    assert slow.indices == sorted(set(slow.indices)) and len(slow.items) + dropped[0] == 30
    assert dropped[0] >= 10 and dropped[1] == 0 and stream.statistics.frames_processed == 30


def test_a_slow_output_of_a_file_blocks_and_loses_nothing(segmenter: Segmenter) -> None:
    """While it hangs, only what the bounded queues hold is read; later it gets every frame."""
    source = Scenes(60)
    read_meanwhile: list[int] = []

    def hang() -> None:
        if not read_meanwhile:
            time.sleep(0.3)
            read_meanwhile.append(source.captured)

    slow, quick = Keeper(before=hang), Keeper()
    stream = run(source, segmenter, slow, quick)
    assert slow.indices == quick.indices == list(range(60))
    assert [worker.dropped for worker in stream.workers] == [0, 0]
    assert stream.statistics.frames_dropped == 0 and read_meanwhile[0] <= 12


def test_after_a_stall_a_live_source_goes_on_with_its_newest_frame(segmenter: Segmenter) -> None:
    """An output hangs while 200 frames go by: at most one of them is old when it goes on."""
    hangs, passed_by = threading.Event(), threading.Event()

    def follow(index: int) -> None:
        wait_for(hangs)
        if index == 199:
            passed_by.set()

    def hang() -> None:
        hangs.set()
        wait_for(passed_by)

    keeper = Keeper(before=hang)
    run(Scenes(200, live=True, after=follow), segmenter, keeper)
    assert keeper.indices[0] == 0 and keeper.indices[-1] == 199 and len(keeper.items) <= 3


@pytest.mark.parametrize(("every", "most", "expected"), [
    (1, 5, [0, 1, 2, 3, 4]), (4, None, [0, 4, 8]), (3, 2, [0, 3]),
])  # fmt: skip
def test_every_and_max_frames(segmenter: Segmenter, every, most, expected) -> None:
    keeper = Keeper()
    statistics = run(Scenes(12), segmenter, keeper, every=every, max_frames=most).statistics
    assert keeper.indices == expected
    counted = statistics.frames_processed + statistics.frames_skipped
    assert statistics.frames_in == counted and statistics.frames_unfinished == 0


def test_max_frames_ends_a_live_source(segmenter: Segmenter) -> None:
    keeper = Keeper()
    stream = run(Scenes(3000, live=True, pause_s=0.002), segmenter, keeper, max_frames=4)
    assert len(keeper.items) == 4 and stream.capture_ended


def test_without_an_output_frames_are_counted(segmenter: Segmenter) -> None:
    assert run(Scenes(7), segmenter).statistics.frames_processed == 7
    live = run(Scenes(3000, live=True, pause_s=0.001), segmenter, max_frames=5)
    assert live.statistics.frames_processed == 5


def test_what_came_before_a_sources_end_is_still_written(segmenter: Segmenter) -> None:
    keeper = Keeper(pause_s=0.01)
    with pytest.raises(SourceGoneError, match="gone"):
        run(Scenes(6, error=SourceGoneError("gone")), segmenter, keeper)
    assert len(keeper.items) == 6 and keeper.closed == 1


def test_the_last_output_that_fails_ends_the_run(segmenter: Segmenter) -> None:
    keeper = Keeper(break_at=3)
    with pytest.raises(MgcaError, match=r"^the disk is full$"):
        run(Scenes(3000), segmenter, keeper)
    assert len(keeper.items) == 3 and keeper.closed == 1


def test_one_output_that_fails_leaves_the_others(segmenter: Segmenter, caplog) -> None:
    caplog.set_level("WARNING", logger="mgca")
    broken, whole = Keeper(break_at=3), Keeper()
    stream = run(Scenes(20), segmenter, broken, whole)
    assert broken.indices == [0, 1, 2] and whole.indices == list(range(20))
    assert (broken.closed, whole.closed) == (1, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "the disk is full; the other outputs go on"
    ]
    assert [str(worker.error or "") for worker in stream.workers] == ["the disk is full", ""]
    assert stream.error is None and stream.statistics.frames_processed == 20


def test_when_every_output_has_failed_the_run_ends(segmenter: Segmenter) -> None:
    with pytest.raises(MgcaError, match="every output failed: the disk is full; the disk is full"):
        run(Scenes(3000), segmenter, Keeper(break_at=3), OtherKeeper(break_at=9))


def test_strict_ends_the_run_at_the_first_failure(segmenter: Segmenter) -> None:
    whole = Keeper()
    with pytest.raises(MgcaError, match=r"^the disk is full$"):
        run(Scenes(3000), segmenter, Keeper(break_at=3), whole, strict=True)
    assert whole.indices == list(range(len(whole.items))) and whole.closed == 1


def test_an_output_that_fails_at_its_end_is_noticed(segmenter: Segmenter) -> None:
    class FailsToClose(Keeper):
        def close(self) -> None:
            raise MgcaError("no room for the index")

    stream = Stream(Scenes(5), segmenter, [FailsToClose(), Keeper()])
    Pipeline([stream]).run()
    assert str(stream.workers[0].error) == "no room for the index"
    with pytest.raises(MgcaError, match="no room"):
        run(Scenes(5), segmenter, FailsToClose(), Keeper(), strict=True)


def test_an_output_may_ask_for_the_end(segmenter: Segmenter) -> None:
    def ask() -> None:
        keeper.ends_run = len(keeper.items) == 5

    keeper = OtherKeeper(before=ask)
    stream = run(Scenes(3000), segmenter, keeper, Keeper())
    assert 6 <= len(keeper.items) < 30 and stream.error is None


def test_an_error_in_inference_ends_the_run(color_bundle: Path) -> None:
    with Segmenter.load(color_bundle, "onnxruntime-cpu", threads=1) as without_classes:
        with pytest.raises(MgcaError, match="no classes"):
            run(Scenes(3000), without_classes, Keeper())


def test_stop_ends_the_run_and_every_output_has_the_same_frames(segmenter: Segmenter) -> None:
    stop = threading.Event()
    slow, quick = Keeper(pause_s=0.01), Keeper()
    slow.before = lambda: stop.set() if len(slow.items) == 10 else None
    stream = Stream(Scenes(3000), segmenter, [slow, quick])
    Pipeline([stream], stop=stop).run()
    statistics = stream.statistics
    assert 10 < statistics.frames_processed == len(slow.items)
    assert slow.indices == quick.indices
    assert statistics.frames_in == statistics.frames_processed + statistics.frames_unfinished
    assert statistics.frames_unfinished <= 8  # the queues are bounded


def test_classes_may_change_while_it_runs(color_bundle: Path) -> None:
    with Segmenter.load(color_bundle, "onnxruntime-cpu", threads=1) as segmenter:
        segmenter.set_classes("sky,tree,car", background="none")
        keeper = Keeper()

        def change(statistics: object) -> None:
            if len(keeper.items) == 5:
                segmenter.set_classes("car,sand", background="none")

        run(Scenes(30), segmenter, keeper, on_frame=change)
    names = [item.result.class_names for item in keeper.items]
    assert names[0] == ("sky", "tree", "car") and names[-1] == ("car", "sand")
    assert set(np.unique(keeper.items[-1].result.labels)) <= {0, 1}


def test_times_are_the_clocks(segmenter: Segmenter) -> None:
    keeper = Keeper(pause_s=0.01)
    before = time.perf_counter()
    statistics = run(Scenes(10), segmenter, keeper).statistics
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
    camera = Scenes(20)
    written_while: list[int] = []

    def watch() -> None:
        before, end = camera.captured, time.monotonic() + LONG_S
        while camera.captured < min(before + 1, 20) and time.monotonic() < end:
            time.sleep(0.001)
        written_while.append(camera.captured - before)

    run(camera, segmenter, Keeper(before=watch))
    # The queues are bounded, so that not every write sees a capture; a serial run sees none.
    assert sum(written_while) >= 3


def test_what_a_source_tells_reaches_every_sink_and_a_sink_that_raises_ends_nothing(
    segmenter: Segmenter,
) -> None:
    class Hears(Keeper):
        def __init__(self) -> None:
            super().__init__()
            self.events: list[Event] = []

        def attach(self, stream: Stream) -> None:
            self.stream = stream

        def note(self, event: Event) -> None:
            self.events.append(event)
            raise OSError("no room")

    class Tells(Scenes):
        def frames(self, stop: threading.Event) -> Iterator[Frame]:
            self.tell("size-changed", "64x48 from now on", size_wh=[64, 48])
            yield from super().frames(stop)

    keeper = Hears()
    stream = run(Tells(2), segmenter, keeper, name="door")
    (event,) = keeper.events
    assert keeper.stream is stream and keeper.indices == [0, 1]
    assert event.record() == {
        "event": "size-changed", "stream": "door", "at_s": round(event.at_s, 3),
        "text": "64x48 from now on", "size_wh": [64, 48],
    }  # fmt: skip
