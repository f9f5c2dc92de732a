"""Going through a source again and again, as if it were one that never ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from runtime.errors import MgcaError, UserError
from runtime.sources.frame import Frame, frame_stem

__all__ = ["loop_frames"]


def loop_frames(
    read_once: Callable[[threading.Event], Iterator[Frame]],
    stop: threading.Event,
    fps: float | None,
) -> Iterator[Frame]:
    """The frames of one reading after the other; numbers and times go on rising.

    Args:
        read_once: reads the source from its beginning to its end.
        stop: ends it.
        fps: how long the last frame of a reading stands is one step of this rate; 25 where unknown.

    Raises:
        MgcaError: a later reading could not be made: what was read before is gone.
    """
    next_index, next_s = 0, 0.0
    while not stop.is_set():
        first_index, first_s = next_index, next_s
        try:
            for frame in read_once(stop):
                index, time_s = first_index + frame.index, first_s + frame.time_s
                # An image keeps its own name; what is numbered gets its new number.
                stem = frame.stem if frame.path is not None else frame_stem(index)
                yield replace(frame, index=index, time_s=time_s, stem=stem)
                next_index, next_s = index + 1, time_s + 1 / (fps or 25.0)
        except UserError as error:
            if not next_index:
                raise
            raise MgcaError(f"--loop: {error}") from None
        if next_index == first_index:
            return
