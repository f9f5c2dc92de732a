"""What a file lost: which number a picture has in spite of it, and how the loss is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.sources.decoding import DecodedPicture, Decoder

__all__ = ["FrameNumbers", "count_announced", "describe_losses"]


class FrameNumbers:
    """Numbers pictures as their file does, those that are not there included.

    AVI counts its pictures by its time stamps, empty ones ("as before") included. Elsewhere a gap
    of whole steps is one of lost pictures only where the decoder did lose some: a variable frame
    rate has gaps of its own.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._counts_by_stamp = _is_avi(decoder.container)
        self._step_s = 1.0 / (decoder.fps or 25.0)
        self._index = -1
        self._time_s = 0.0
        self._lost = 0

    def number(self, picture: DecodedPicture, time_s: float) -> int:
        """The number of the next picture, from 0."""
        missing = 0
        if self._index >= 0 and (self._counts_by_stamp or picture.lost_before > self._lost):
            steps = (time_s - self._time_s) / self._step_s
            if abs(steps - round(steps)) < 0.2:
                missing = max(0, round(steps) - 1)
        self._index += 1 + missing
        self._time_s, self._lost = time_s, picture.lost_before
        return self._index


def count_announced(container: Any, stream: Any) -> int:
    """Pictures to be shown by what the file's index says; 0 where it says nothing.

    An edit list leaves out pictures that are stored: the index has them marked, the header's
    number counts them.
    """
    entries = getattr(stream, "index_entries", None)
    if stream.frames and entries is not None and "mov" in container.format.name.split(","):
        return sum(not entry.is_discard for entry in entries)
    return stream.frames or 0


def describe_losses(decoder: Decoder, shown: int) -> str | None:
    """What was wrong with a file that was read to its end, None if nothing was.

    Cut off is only what ended too early: an error at the end, or fewer packets than the index
    announces. Damage on the way is told as such.

    Args:
        decoder: What read the file.
        shown: How many pictures it gave.
    """
    announced = count_announced(decoder.container, decoder.stream)
    held = decoder.seen.shown
    if _is_avi(decoder.container) and decoder.seen.last_pts is not None:
        held = decoder.seen.last_pts + 1
    if decoder.cut_off or decoder.seen.ended_corrupt or announced - held > announced // 50:
        of = f" of {announced}" if announced else ""
        return f"is cut off: {shown}{of} frames could be read"
    lost = max(decoder.damaged, decoder.seen.corrupt)
    if lost:
        return f"is damaged: {lost} packets could not be decoded, {shown} frames could"
    return None


def _is_avi(container: Any) -> bool:
    return container.format.name == "avi"
