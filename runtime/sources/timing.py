"""When a picture of a file is shown: its own time stamps, as far as they can be believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.sources.decoding import DecodedPicture

__all__ = ["PictureClock", "estimate_frames", "longest_gap_s", "measure_fps", "read_fps", "timed"]

#: Rates outside are not believed but measured: WebM states 1000 where it means milliseconds.
PLAUSIBLE_FPS = (1.0, 120.0)
#: A rate that is not believed stands nevertheless where the stamps agree with it this well.
AGREEING = 1.5
#: Longer without a picture is a jump of the stamps: in formats whose stamps may jump (MPEG), and in
#: those that number their pictures.
LONGEST_GAP_S = {True: 10.0, False: 600.0}
LONGEST_GAP_STEPS = 10


def read_fps(stream: Any, stamps_s: Sequence[float] = ()) -> float | None:
    """Nominal frames per second of a video stream.

    Args:
        stream: An ``av`` video stream.
        stamps_s: Time stamps of its first pictures, in any order, in seconds.

    Returns:
        What the container states or FFmpeg guesses, if it is plausible or the stamps agree; else
        what the stamps say; None where nothing does.
    """
    stated = [stream.average_rate, getattr(stream, "guessed_rate", None)]
    rates = [float(rate) for rate in stated if rate and 0 < rate <= 1000]
    for rate in rates:
        if PLAUSIBLE_FPS[0] <= rate <= PLAUSIBLE_FPS[1]:
            return rate
    measured = measure_fps(stamps_s)
    for rate in rates:
        if measured is not None and 1 / AGREEING < rate / measured < AGREEING:
            return rate
    return measured


def measure_fps(stamps_s: Sequence[float]) -> float | None:
    """Frames per second by the usual distance of time stamps; lost pictures do not count.

    >>> measure_fps([0.0, 0.1, 0.4, 0.2])
    10.0
    """
    ordered = sorted(set(stamps_s))
    steps = sorted(after - before for before, after in pairwise(ordered))
    if not steps:
        return None
    median = steps[len(steps) // 2]
    usual = [step for step in steps if median / AGREEING < step < median * AGREEING]
    rate = round(len(usual) / sum(usual), 3)
    return rate if 0 < rate <= 1000 else None


def longest_gap_s(container: Any) -> float:
    """Seconds without a picture that the stamps of an open container are believed."""
    from av.format import Flags

    return LONGEST_GAP_S[bool(container.format.flags & Flags.ts_discont.value)]


class PictureClock:
    """Turns time stamps into seconds since the first picture, always moving forward.

    A stamp that jumps, forward over more than the longest gap or back, takes one nominal step. If
    the next ones go on from there, they are joined on; else it was a lone one.

    Args:
        fps: Nominal frames per second.
        gap_s: The longest time without a picture that is believed.
    """

    def __init__(self, fps: float | None, gap_s: float = LONGEST_GAP_S[True]) -> None:
        self.step_s = 1.0 / (fps or 25.0)
        self.gap_s = max(gap_s, LONGEST_GAP_STEPS * self.step_s)
        self.start_s: float | None = None
        self.last_s = -self.step_s
        self._new_start_s: float | None = None

    def read(self, pts_s: float | None, next_pts_s: float | None = None) -> float:
        """Seconds for one picture.

        Args:
            pts_s: Its stamp, None where it has none.
            next_pts_s: The stamp of the picture after it, where that is known.
        """
        self.last_s = self._read(pts_s, next_pts_s)
        return self.last_s

    def _read(self, pts_s: float | None, next_pts_s: float | None) -> float:
        stepped_s = self.last_s + self.step_s
        if pts_s is None:
            return stepped_s
        if self.start_s is None:
            self.start_s = pts_s - stepped_s
        now_s = pts_s - self.start_s
        if self._goes_on(now_s) and not self._is_lone(now_s, next_pts_s):
            self._new_start_s = None
            return now_s
        joined_s = None if self._new_start_s is None else pts_s - self._new_start_s
        behind_s = self.last_s - now_s
        if joined_s is not None and abs(behind_s) < 1.5 * self.step_s:
            return self.last_s + self.step_s / 2  # a step was too long: let the stamps catch up
        if joined_s is not None and self._goes_on(joined_s):
            self.start_s, self._new_start_s = self._new_start_s, None
            return joined_s
        self._new_start_s = pts_s - stepped_s
        return stepped_s

    def _goes_on(self, now_s: float) -> bool:
        return self.last_s + self.step_s / 100 < now_s <= self.last_s + self.gap_s

    def _is_lone(self, now_s: float, next_pts_s: float | None) -> bool:
        """Whether the picture after this one is shown before it, where the last one led to."""
        if next_pts_s is None or self.start_s is None:
            return False
        return self.last_s < next_pts_s - self.start_s < now_s


def timed(
    pictures: Iterable[DecodedPicture], clock: PictureClock
) -> Iterator[tuple[DecodedPicture, float]]:
    """Each picture with its time in seconds; one picture is read ahead, to know a lone stamp."""
    waiting: DecodedPicture | None = None
    for picture in pictures:
        if waiting is not None:
            yield waiting, clock.read(waiting.pts_s, picture.pts_s)
        waiting = picture
    if waiting is not None:
        yield waiting, clock.read(waiting.pts_s)


def estimate_frames(container: Any, stream: Any, fps: float | None) -> int | None:
    """Frames by duration and rate, for a progress bar; None where either is unknown."""
    if stream.duration and stream.time_base:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration:
        duration_s = container.duration / 1e6
    else:
        return None
    return max(1, round(duration_s * fps)) if fps else None
