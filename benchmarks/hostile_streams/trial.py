"""One case through the runtime: what came of it, in a word."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.hostile_streams.cases import Case
from runtime.errors import MgcaError, describe_error
from runtime.sources import Frame
from runtime.sources.isolated import DecoderFailure, IsolatedSource

__all__ = ["FAULTS", "OUTCOMES", "Outcome", "try_case"]

#: Ends that keep the promise.
OUTCOMES = (
    "frames", "frames, then an error", "error", "crashed", "killed", "hung", "memory", "time",
)  # fmt: skip
#: Ends that break it: an error nobody foresaw, in the process that decodes or in ours.
FAULTS = ("raised", "fault")
#: Frames that are read of a case, and labelled.
MOST_FRAMES = 24
LABELLED_FRAMES = 1


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes:
        kind: one of :data:`OUTCOMES` or :data:`FAULTS`.
        frames: how many were read.
        text: the error's line, empty where there was none.
    """

    kind: str
    frames: int = 0
    text: str = ""


def try_case(
    case: Case,
    label: Callable[[np.ndarray], np.ndarray],
    *,
    silence_s: float,
    limit_s: float,
    memory_bytes: int,
) -> Outcome:
    """Read a case's file and label its first frames.

    Args:
        case: with its file in place.
        label: labels a BGR frame.
        silence_s: without a sign of life for so long, its process is ended.
        limit_s: for the whole case.
        memory_bytes: for its process.
    """
    frames: list[int] = []
    stop = threading.Event()
    alarm = threading.Timer(limit_s, stop.set)
    alarm.start()
    try:
        _read(case, label, frames, stop, silence_s, memory_bytes)
    except DecoderFailure as failure:
        return Outcome(failure.how, len(frames), str(failure))
    except MgcaError as error:
        if "\n" in str(error):
            return Outcome("fault", len(frames), f"more than a line: {error}")
        return Outcome("frames, then an error" if frames else "error", len(frames), str(error))
    except Exception as error:  # a traceback in the run: the very thing that is looked for
        return Outcome("fault", len(frames), describe_error(error))
    finally:
        alarm.cancel()
    return Outcome("time" if stop.is_set() else "frames", len(frames))


def _read(
    case: Case,
    label: Callable[[np.ndarray], np.ndarray],
    frames: list[int],
    stop: threading.Event,
    silence_s: float,
    memory_bytes: int,
) -> None:
    source = IsolatedSource(case.plan, silence_s, memory_bytes)
    try:
        source.open()
        last: Frame | None = None
        for frame in source.frames(stop):
            check_frame(frame, last)
            if len(frames) < LABELLED_FRAMES:
                labels = label(frame.image_bgr)
                assert labels.shape == frame.image_bgr.shape[:2] and labels.dtype == np.uint8
            frames.append(frame.index)
            last = frame
            if len(frames) == MOST_FRAMES:
                return
    finally:
        source.close()


def check_frame(frame: Frame, last: Frame | None) -> None:
    """Raise ``AssertionError`` for a frame that a source never gives."""
    image = frame.image_bgr
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size
    assert np.isfinite(frame.time_s) and frame.time_s >= 0 and frame.pixel_aspect > 0
    if last is not None:
        assert frame.index > last.index, "numbers go back"
        assert frame.time_s > last.time_s, "time stands still or goes back"
