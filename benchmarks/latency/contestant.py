"""Whoever's time is taken: runs one frame and says when each of its stages ended."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter, process_time
from typing import NamedTuple, Protocol

import numpy as np

from runtime import Segmenter
from runtime.backends.protocol import Backend

STAGES = ("preprocess", "infer", "postprocess")


class FrameMarks(NamedTuple):
    """Points of time (``time.perf_counter``) of one frame, capture not among them.

    ``cpu_s`` is the processor time that all threads of the process spent meanwhile: where other
    programs take turns on the cores, it changes less than the time on the clock.
    """

    started: float
    prepared: float
    inferred: float
    ended: float
    cpu_s: float

    @property
    def spans(self) -> dict[str, tuple[float, float]]:
        """Start and end of each stage."""
        return dict(zip(STAGES, pairwise(self[:4]), strict=True))

    @property
    def frame_ms(self) -> float:
        """From the picture in memory to its labels, in milliseconds."""
        return 1000 * (self.ended - self.started)

    @property
    def cpu_ms(self) -> float:
        """Processor time, in milliseconds."""
        return 1000 * self.cpu_s

    @property
    def infer_ms(self) -> float:
        """The graph alone, in milliseconds."""
        return 1000 * (self.inferred - self.prepared)


class Contestant(Protocol):
    """One of those that are held against each other."""

    def run(self, image_bgr: np.ndarray) -> FrameMarks:
        """Take a picture, BGR uint8 (H, W, 3), as far as this contestant goes."""

    def close(self) -> None:
        """Let go of the model."""


class WholeFrames:
    """A segmenter with its words: from the picture to labels at the picture's size."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter

    def run(self, image_bgr: np.ndarray) -> FrameMarks:
        """See :class:`Contestant`."""
        return run_frame(self.segmenter, image_bgr)

    def close(self) -> None:
        """See :class:`Contestant`."""
        self.segmenter.close()


class GraphAlone:
    """A graph that takes the prepared frame: nothing before and nothing behind it is timed."""

    def __init__(self, backend: Backend, segmenter: Segmenter) -> None:
        self._backend = backend
        self._segmenter = segmenter

    def run(self, image_bgr: np.ndarray) -> FrameMarks:
        """See :class:`Contestant`."""
        feeds = {"frame": self._segmenter.preprocess(image_bgr).tensor}
        busy, started = process_time(), perf_counter()
        self._backend.run(feeds)
        ended = perf_counter()
        return FrameMarks(started, started, ended, ended, process_time() - busy)

    def close(self) -> None:
        """See :class:`Contestant`."""
        self._backend.close()


def run_frame(segmenter: Segmenter, image_bgr: np.ndarray) -> FrameMarks:
    """Segment one picture, BGR uint8 (H, W, 3), stage by stage."""
    busy, started = process_time(), perf_counter()
    prepared = segmenter.preprocess(image_bgr)
    prepared_at = perf_counter()
    raw = segmenter.infer(prepared)
    inferred_at = perf_counter()
    segmenter.postprocess(raw)
    ended = perf_counter()
    return FrameMarks(started, prepared_at, inferred_at, ended, process_time() - busy)
