"""Temporal smoothing: scores become their mean over time, before labels are made of them.

The mean is exponential, with a time constant in seconds of the source's clock, and goes with the
things in the picture (:mod:`runtime.segment.motion`): a cell's past is that of the place its thing
came from, and counts only as far as the pictures agree that it is the same thing. So a mask does
not trail behind what moves, and a cut begins anew. :mod:`runtime.segment.small_classes` keeps
small classes from flickering.

Labels are made of smoothed scores as of any others: exactly those of their bilinear interpolation.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from runtime.segment.frames import PreparedFrame, RawScores
from runtime.segment.motion import Motion, MotionTracker
from runtime.segment.small_classes import SmallClassKeeper
from runtime.segment.windows import WindowScores
from runtime.segment.word_scores import Scores, StreamedScores
from runtime.text.queries import TextQueries

if TYPE_CHECKING:
    import numpy as np

#: Time constant of ``--smooth auto``, in seconds.
TIME_CONSTANT_S = 0.35
#: After so many time constants nothing is left of the past.
FORGOTTEN_AFTER = 5.0
#: What a frame takes where nobody says when frames were taken.
UNTIMED_STEP_S = 1 / 15

__all__ = ["TIME_CONSTANT_S", "TemporalSmoother"]


class TemporalSmoother:
    """A score smoother (:class:`~runtime.segment.seams.ScoreSmoother`) for one stream.

    >>> from runtime import Model, Segmenter                                # doctest: +SKIP
    >>> segmenter = Segmenter(Model.load(), smoother=TemporalSmoother())    # doctest: +SKIP

    Spared frames keep the smoothed scores of the last frame that was run, so that they keep its
    labels. Scores that are streamed, those of very many words, are smoothed by their embeddings;
    small classes are not looked after there.

    Args:
        seconds: the time constant: the past's weight falls to 1/e in it.
    """

    def __init__(self, seconds: float = TIME_CONSTANT_S) -> None:
        self.seconds = seconds
        self._tracker = MotionTracker()
        self._adaptive = _Mean()
        self._pixel = _Mean()
        self._last: RawScores | None = None
        self._smoothed: RawScores | None = None

    def smooth(self, raw: RawScores, frame: PreparedFrame) -> RawScores:
        """The scores to label; ``frame`` is what they are of."""
        last, smoothed = self._last, self._smoothed
        if raw.spared and last is not None and smoothed is not None and _are_the_same(raw, last):
            return _with_scores(raw, smoothed.class_scores, smoothed.pixel_scores)
        step_s = None if last is None else self._step_s(last, raw)
        if step_s is None:
            self._forget()
            step_s = UNTIMED_STEP_S
        motion = self._tracker.follow(frame, _grid_wh(raw))
        keep = None if motion is None else motion.trust * math.exp(-step_s / self.seconds)
        self._last = raw
        rows = raw.queries.label_of_row
        self._smoothed = _with_scores(
            raw,
            self._adaptive.add(raw.class_scores, rows, motion, keep, step_s),
            self._pixel.add(raw.pixel_scores, rows, motion, keep, step_s),
        )
        return self._smoothed

    def state(self) -> dict[str, np.ndarray]:
        """What the next frame depends on, as arrays by name; empty before the first frame.

        Another smoother that resumes it, in another process too, goes on to the bit as this one
        would. Spared frames (a motion gate's) are not followed across.
        """
        import numpy as np

        last = self._last
        if last is None:
            return {}
        time_s = math.nan if last.time_s is None else last.time_s
        state = {"time_s": np.array([time_s]), "size_wh": np.array(last.size_wh, np.int64)}
        for name, part in self._parts().items():
            state |= {f"{name}.{key}": array for key, array in part.state().items()}
        return state

    def resume(self, state: dict[str, np.ndarray], queries: TextQueries) -> None:
        """Go on from a :meth:`state`; ``queries`` are what the next frames are asked about.

        They must be of the same classes and background as those of before.
        """
        if not state:
            return
        time_s = float(state["time_s"][0])
        width, height = map(int, state["size_wh"])
        known_s = None if math.isnan(time_s) else time_s
        self._last = RawScores(queries, (width, height), None, None, None, known_s)
        self._smoothed = None
        for name, part in self._parts().items():
            begin = f"{name}."
            own = {key[len(begin) :]: one for key, one in state.items() if key.startswith(begin)}
            part.resume(own)

    def _parts(self) -> dict[str, MotionTracker | _Mean]:
        return {"tracker": self._tracker, "adaptive": self._adaptive, "pixel": self._pixel}

    def _step_s(self, last: RawScores, raw: RawScores) -> float | None:
        """Seconds since the last frame; None where nothing of before means anything now."""
        if last.queries is not raw.queries or last.size_wh != raw.size_wh:
            return None
        if last.time_s is None or raw.time_s is None or last.time_s == raw.time_s:
            return UNTIMED_STEP_S
        step_s = raw.time_s - last.time_s
        # A clock that goes back or jumps belongs to a source that was opened again.
        return step_s if 0.0 < step_s < FORGOTTEN_AFTER * self.seconds else None

    def _forget(self) -> None:
        self._tracker.forget()
        self._adaptive.forget()
        self._pixel.forget()


class _Mean:
    """The mean of one kind of scores, in memory that is used again for the next frame."""

    def __init__(self) -> None:
        self._mean: np.ndarray | None = None
        self._next: np.ndarray | None = None
        self._small_classes = SmallClassKeeper()

    def forget(self) -> None:
        """The next scores are the first ones."""
        self._mean = None
        self._small_classes.forget()

    def state(self) -> dict[str, np.ndarray]:
        """The mean and what small classes had; :meth:`resume` takes it."""
        if self._mean is None:
            return {}
        return {"mean": self._mean.copy(), **self._small_classes.state()}

    def resume(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a :meth:`state`."""
        import numpy as np

        if not state:
            self.forget()
            return
        self._mean, self._next = np.empty((2, *state["mean"].shape), np.float32)
        np.copyto(self._mean, state["mean"])
        self._small_classes.resume({key: one for key, one in state.items() if key != "mean"})

    def add(
        self,
        scores: Scores | None,
        label_of_row: np.ndarray,
        motion: Motion | None,
        keep: np.ndarray | None,
        step_s: float,
    ) -> Scores | None:
        """Take in a frame's scores and give those to label; first ones come back as they are.

        Args:
            scores: of the frame; None where these were not asked for.
            label_of_row: uint8 (K,).
            motion: how the grid follows from that of the frame before; None where it does not.
            keep: float32 (h', w') in [0, 1], the weight of each cell's past; None with ``motion``.
            step_s: seconds since the frame before.
        """
        import numpy as np

        if scores is None:
            self.forget()
            return None
        if isinstance(scores, WindowScores):
            scores = np.asarray(scores)
        now = scores.embeddings if isinstance(scores, StreamedScores) else scores
        # Of an overflow nothing may be remembered.
        if not (math.isfinite(now.max()) and math.isfinite(now.min())):
            self.forget()
            return scores
        mean = self._mean
        if motion is None or keep is None or mean is None or mean.shape != now.shape:
            motion = None
            self._begin(now)
        else:
            self._move_on(mean, now, motion, keep)
        assert self._mean is not None
        given = self._mean.copy()  # the result's own
        if isinstance(scores, StreamedScores):
            return replace(scores, embeddings=given)
        self._small_classes.steady(given, label_of_row, motion, step_s)
        return given

    def _begin(self, now: np.ndarray) -> None:
        import numpy as np

        if self._mean is None or self._mean.shape != now.shape:
            self._mean, self._next = np.empty((2, *now.shape), np.float32)
        np.copyto(self._mean, now)

    def _move_on(self, mean: np.ndarray, now: np.ndarray, motion: Motion, keep: np.ndarray) -> None:
        import numpy as np

        moved = self._next
        assert moved is not None
        for row, plane in enumerate(mean):
            # now + keep * (past - now): to the bit the same where nothing changes.
            difference = moved[row]
            np.subtract(motion.carry(plane, difference), now[row], out=difference)
            difference *= keep
            difference += now[row]
        self._mean, self._next = moved, mean


def _grid_wh(raw: RawScores) -> tuple[int, int]:
    scores = raw.pixel_scores if raw.class_scores is None else raw.class_scores
    assert scores is not None, "one kind of scores is always there"
    return scores.shape[2], scores.shape[1]


def _are_the_same(one: RawScores, other: RawScores) -> bool:
    return (
        one.queries is other.queries
        and one.class_scores is other.class_scores
        and one.pixel_scores is other.pixel_scores
    )


def _with_scores(
    raw: RawScores, class_scores: Scores | None, pixel_scores: Scores | None
) -> RawScores:
    return replace(raw, class_scores=class_scores, pixel_scores=pixel_scores)
