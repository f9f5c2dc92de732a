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
#: A jump over fewer steps may be one of the order in which pictures are decoded.
LEAST_JUMP_STEPS = 5
#: Stamps behind a picture that are looked at, to see whether a jump comes back.
LATER_STAMPS = 24


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
    the next ones go on from there, they are joined on; else it was a lone one. A shorter jump
    forward is a pause, unless stamps behind it come back to where the last ones led; what has been
    joined on goes back to the stamps before as soon as they go on.

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
        self._old_start_s: float | None = None

    def read(self, pts_s: float | None, later_s: Sequence[float] = ()) -> float:
        """Seconds for one picture.

        Args:
            pts_s: Its stamp, None where it has none.
            later_s: Stamps of pictures that come after it in the file, where they are known.
        """
        self.last_s = self._read(pts_s, later_s)
        return self.last_s

    def _read(self, pts_s: float | None, later_s: Sequence[float]) -> float:
        stepped_s = self.last_s + self.step_s
        if pts_s is None:
            return stepped_s
        if self.start_s is None:
            self.start_s = pts_s - stepped_s
        now_s = pts_s - self.start_s
        if self._old_start_s is not None and abs(now_s - stepped_s) > self.step_s:
            old_s = pts_s - self._old_start_s
            if abs(old_s - stepped_s) < self.step_s / 2:
                self.start_s, self._old_start_s = self._old_start_s, None
                self._new_start_s = None
                return old_s
        if self._goes_on(now_s) and not self._comes_back(now_s, later_s):
            self._new_start_s = None
            return now_s
        joined_s = None if self._new_start_s is None else pts_s - self._new_start_s
        behind_s = self.last_s - now_s
        if joined_s is not None and abs(behind_s) < 1.5 * self.step_s:
            return self.last_s + self.step_s / 2  # a step was too long: let the stamps catch up
        if joined_s is not None and self._goes_on(joined_s):
            self._old_start_s = self.start_s
            self.start_s, self._new_start_s = self._new_start_s, None
            return joined_s
        self._new_start_s = pts_s - stepped_s
        return stepped_s

    def _goes_on(self, now_s: float) -> bool:
        return self.last_s + self.step_s / 100 < now_s <= self.last_s + self.gap_s

    def _comes_back(self, now_s: float, later_s: Sequence[float]) -> bool:
        """Whether pictures after this one are shown where the last one led to, in spite of it."""
        assert self.start_s is not None
        until_s = min(now_s, self.last_s + (len(later_s) + 1.5) * self.step_s)
        times_s = [stamp_s - self.start_s for stamp_s in later_s]
        if any(self.last_s < time_s < until_s for time_s in times_s):
            return True
        if now_s - self.last_s < LEAST_JUMP_STEPS * self.step_s:
            return False  # less than what the order of decoding moves
        # After more wrong ones than the jump has steps: a step back to where counting leads.
        return any(
            after_s < before_s - self.step_s / 2
            and abs(self.last_s + number * self.step_s - after_s) < self.step_s / 2
            for number, (before_s, after_s) in enumerate(pairwise([now_s, *times_s]), 2)
        )


def timed(
    pictures: Iterable[DecodedPicture], clock: PictureClock
) -> Iterator[tuple[DecodedPicture, float]]:
    """Each picture with its time in seconds; one is read ahead, where packets have no stamps."""
    waiting: DecodedPicture | None = None
    for picture in pictures:
        if waiting is not None:
            following = [] if picture.pts_s is None else [picture.pts_s]
            yield waiting, clock.read(waiting.pts_s, [*following, *waiting.later_s])
        waiting = picture
    if waiting is not None:
        yield waiting, clock.read(waiting.pts_s, waiting.later_s)


def estimate_frames(container: Any, stream: Any, fps: float | None) -> int | None:
    """Frames by duration and rate, for a progress bar; None where either is unknown."""
    if stream.duration and stream.time_base:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration:
        duration_s = container.duration / 1e6
    else:
        return None
    return max(1, round(duration_s * fps)) if fps else None
