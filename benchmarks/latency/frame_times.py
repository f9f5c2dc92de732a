"""The stages of a frame's way, timed one frame after another."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from tqdm import tqdm

from benchmarks.latency.contestant import run_frame
from benchmarks.latency.trace import Trace
from benchmarks.record.stage_clock import StageClock
from runtime import Segmenter
from runtime.sources import Frame

#: Of the trace.
TRACK = "frames"


def run_ahead(segmenter: Segmenter, frames: Iterator[Frame], count: int) -> None:
    """Run ``count`` frames that nobody times."""
    for _ in tqdm(range(count), desc="warming up", unit="frame", leave=False, disable=None):
        run_frame(segmenter, next(frames).image_bgr)


def time_frames(
    segmenter: Segmenter,
    frames: Iterator[Frame],
    count: int | None,
    duration_s: float | None = None,
    trace: Trace | None = None,
) -> tuple[StageClock, tuple[int, int]]:
    """Time frames until there are enough of them or the time is over, at least one.

    Args:
        segmenter: with its classes set.
        frames: at least ``count`` of them.
        count: frames timed at most; None: as many as the time allows.
        duration_s: seconds after which no other frame begins; None: without a limit.
        trace: gets a span for each frame and each of its stages.

    Returns:
        The clock (``capture``, ``preprocess``, ``infer``, ``postprocess`` and ``total``, which is
        all four), and width and height of the last frame in pixels.
    """
    clock = StageClock()
    begun = perf_counter()
    done = 0
    with tqdm(total=count, desc="latency", unit="frame", leave=False, disable=None) as bar:
        while True:
            asked = perf_counter()
            frame = next(frames)
            marks = run_frame(segmenter, frame.image_bgr)
            clock.add("capture", frame.capture_ms)
            for stage, (started, ended) in marks.spans.items():
                clock.add(stage, 1000 * (ended - started))
            clock.add("total", frame.capture_ms + marks.frame_ms)
            if trace is not None:
                trace.add(f"frame {done}", TRACK, asked, marks.ended, source_index=frame.index)
                trace.add("capture", TRACK, asked, marks.started, decoding_ms=frame.capture_ms)
                for stage, (started, ended) in marks.spans.items():
                    trace.add(stage, TRACK, started, ended)
            done += 1
            bar.update()
            if done == count or (duration_s is not None and marks.ended - begun >= duration_s):
                return clock, frame.size_wh
