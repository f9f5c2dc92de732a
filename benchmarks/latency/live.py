"""Streams as ``mgca-rt`` runs them: its own threads, scheduler and counters, without outputs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.latency.footage import RepeatedSource, first_images
from benchmarks.record.stage_clock import summarise
from runtime import Segmenter
from runtime.sources import Frame, Source
from runtime.sources.frame import frame_stem
from runtime.stream.pipeline import Pipeline
from runtime.stream.statistics import STAGES, RunStatistics, read_peak_rss_mib
from runtime.stream.stream import Stream

#: Pictures that a paced camera holds in memory and shows in turn.
_PICTURES = 30


@dataclass(frozen=True)
class LiveSettings:
    """What runs side by side.

    Attributes:
        streams: segmenters that share the model, each with a source of its own.
        camera_fps: frames a second of each source, newest wins; None: a file, every frame in turn.
        frames: of each stream, at most; None: without a limit.
        duration_s: seconds after which all end; None: without a limit.
    """

    streams: int
    camera_fps: float | None
    frames: int | None
    duration_s: float | None


class PacedCamera(Source):
    """Pictures that arrive at a fixed rate whether or not somebody takes them.

    They are decoded beforehand. A frame's age counts from when it was due, also where the thread
    that hands it over was late: a real camera would not have waited either.
    """

    kind = "camera"
    live = True

    def __init__(
        self, name: str, images_bgr: Sequence[np.ndarray], fps: float, delay_s: float = 0.0
    ) -> None:
        super().__init__(name)
        self.fps = fps
        self._rate = fps
        self._images = images_bgr
        self._delay_s = delay_s

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Pictures until ``stop``; see :meth:`runtime.sources.Source.frames`."""
        begun = perf_counter() + self._delay_s
        for index in count():
            time_s = index / self._rate
            due = begun + time_s
            if stop.wait(max(0.0, due - perf_counter())):
                return
            image_bgr = self._images[index % len(self._images)]
            yield Frame(index, time_s, image_bgr, frame_stem(index), 0.0, due)


def run_streams(segmenter: Segmenter, video: str, settings: LiveSettings) -> list[RunStatistics]:
    """Run the streams to their end.

    Args:
        segmenter: its model is shared by all streams, its words and units are every stream's.
        video: file or folder of images to read from.
        settings: how many, how fast, how long.

    Returns:
        What each stream counted, as the report of a live run counts it.

    Raises:
        MgcaError: the first failure of a stream.
    """
    pipeline = Pipeline(
        [
            Stream(source, _alike(segmenter), [], max_frames=settings.frames)
            for source in _sources(video, settings)
        ]
    )
    timer: threading.Timer | None = None
    if settings.duration_s is not None:
        timer = threading.Timer(settings.duration_s, pipeline.stop.set)
        timer.start()
    try:
        pipeline.run()
    finally:
        if timer is not None:
            timer.cancel()
        for stream in pipeline.streams:
            stream.source.close()
    return [stream.statistics for stream in pipeline.streams]


def describe_streams(found: Sequence[RunStatistics], settings: LiveSettings) -> dict[str, Any]:
    """The streams' figures, ready for JSON.

    ``age_ms`` sums up, over all streams, how old a frame is when its labels stand; None unless the
    frames arrive at a camera's rate. ``fps`` counts the frames of all streams, from the first
    capture to the last labels.
    """
    totals_ms = [latency[STAGES.index("total")] for one in found for latency in one.latencies_ms]
    started = [one.first_captured_at for one in found if one.first_captured_at is not None]
    ended = [one.last_done_at for one in found if one.last_done_at is not None]
    duration_s = max(ended) - min(started) if ended else 0.0
    processed = sum(one.frames_processed for one in found)
    live = settings.camera_fps is not None
    return {
        "streams": settings.streams,
        "camera_fps": settings.camera_fps,
        "frames_in": sum(one.frames_in for one in found),
        "frames_processed": processed,
        "frames_dropped": sum(one.frames_dropped for one in found),
        "fps": round(processed / duration_s, 2) if duration_s else 0.0,
        "fps_of_each": [round(one.fps, 2) for one in found],
        "age_ms": summarise(totals_ms) if live and totals_ms else None,
        "peak_rss_mib": read_peak_rss_mib(),
    }


def _alike(segmenter: Segmenter) -> Segmenter:
    """Another stream's segmenter on the same model, with the same words."""
    other = Segmenter(segmenter.model)
    other.units = segmenter.units
    if segmenter.classes is not None:
        other.classes = segmenter.classes
    return other


def _sources(video: str, settings: LiveSettings) -> list[Source]:
    if settings.camera_fps is None:
        return [RepeatedSource(video) for _ in range(settings.streams)]
    images_bgr = first_images(video, _PICTURES)
    # Cameras are not in step with each other.
    step_s = 1 / settings.camera_fps / settings.streams
    return [
        PacedCamera(f"camera {number}", images_bgr, settings.camera_fps, number * step_s)
        for number in range(settings.streams)
    ]
