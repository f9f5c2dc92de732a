"""Backends on trial: the same frames for all of them, and clocks that run in turn.

What is left of a machine's time changes from second to second, so two backends are never timed one
after the other: they take turns, and what counts is how often, and by how much, one of them was the
quicker in a turn.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from runtime.backends.parity import (
    LEAST_AGREEMENT_LESS_PRECISE,
    LESS_PRECISE,
    Agreement,
    agree_over_frames,
    compare_outputs,
    trial_feeds,
    worst_of,
)
from runtime.bundle import Bundle
from runtime.demo import demo_clip
from runtime.errors import describe_error

if TYPE_CHECKING:
    import numpy as np

    from runtime.backends.protocol import Backend

    Feeds = Mapping[str, np.ndarray]

# Frames beside the drawn one: some to see that a backend is right, more where it rounds.
FRAMES = 2
FRAMES_LESS_PRECISE = 7
_FRAME_STEP = 12
# One backend is the faster if it gains so much, and either won by far in every turn or more often
# than two and a half standard deviations of a coin that is thrown as many times.
LEAST_GAIN = 0.03
FAR = 0.8
_DEVIATIONS = 2.5
FEWEST_TURNS, FEW_TURNS, MOST_TURNS = 3, 7, 31
_LONGEST_S = 8.0

log = logging.getLogger(__name__)

__all__ = ["Judgement", "Race", "judge", "race", "trial_frames"]


@dataclass(frozen=True)
class Judgement:
    """Whether a backend says what the reference says.

    Attributes:
        passed: the frames agree, and of a backend in less precision the labels as well.
        worst: the worst figures of all frames.
        labels: share of grid pixels, near-ties included, with the reference's winner.
        demanded: what ``labels`` must reach; 0 for a backend that computes as the bundle says.
    """

    passed: bool
    worst: Agreement
    labels: float
    demanded: float

    def __str__(self) -> str:
        return f"{self.worst}, labels {self.labels:.4f} of {self.demanded:g} demanded"


@dataclass(frozen=True)
class Race:
    """Milliseconds of two backends, turn by turn."""

    first_ms: tuple[float, ...]
    second_ms: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """The second's time over the first's, in each turn."""
        return [second / first for first, second in zip(self.first_ms, self.second_ms, strict=True)]

    @property
    def second_is_faster(self) -> bool:
        """Whether the second one is faster by more than noise explains.

        >>> Race((10, 10, 10), (7, 6, 7)).second_is_faster
        True
        >>> Race((10, 10, 10, 10), (9, 11, 9, 9)).second_is_faster
        False
        """
        ratios = self.ratios
        if median(ratios) > 1 - LEAST_GAIN:
            return False
        return max(ratios) < FAR or _is_clear(sum(one < 1 for one in ratios), len(ratios))

    @property
    def is_decided(self) -> bool:
        """Whether further turns would only tell the same."""
        ratios, turns = self.ratios, len(self.first_ms)
        if turns < FEWEST_TURNS:
            return False
        if max(ratios) < FAR or min(ratios) > 1 / FAR:
            return True
        wins = sum(one < 1 for one in ratios)
        return turns >= FEW_TURNS and (_is_clear(wins, turns) or _is_clear(turns - wins, turns))


def trial_frames(bundle: Bundle, count: int) -> list[dict[str, np.ndarray]]:
    """The drawn frame (:func:`.parity.trial_feeds`) and ``count`` frames of the demo clip.

    Where the clip cannot be read, the drawn frame in other forms takes its place.
    """
    first = trial_feeds(bundle)
    try:
        frames = _demo_frames(bundle, count)
    except Exception as error:  # a broken PyAV, or a clip that is not there: other frames do
        log.info("the demo clip is not used for the trial: %s", describe_error(error))
        drawn = first["frame"]
        forms = [drawn[:, :, ::-1], drawn[:, ::-1], 255 - drawn, drawn[..., ::-1]]
        frames = [form.copy() for form in (forms + [drawn // 2, drawn // 4, 255 - drawn // 2])]
    return [first, *({"frame": frame, "text": first["text"]} for frame in frames[:count])]


def _demo_frames(bundle: Bundle, count: int) -> list[np.ndarray]:
    """``count`` frames, uint8 (1, h, w, 3) RGB, nearly a second apart."""
    import cv2

    from runtime.sources import open_video

    source = open_video(str(demo_clip()), None, False)
    source.open()
    try:
        frames = []
        for frame in source.frames(threading.Event()):
            if frame.index % _FRAME_STEP:
                continue
            size_wh = bundle.manifest.input.size_wh
            resized = cv2.resize(frame.image_bgr, size_wh, interpolation=cv2.INTER_AREA)
            frames.append(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB)[None])
            if len(frames) == count:
                break
        return frames
    finally:
        source.close()


def judge(name: str, found: Sequence[Feeds], reference: Sequence[Feeds]) -> Judgement:
    """Hold a backend's outputs on the trial's frames against the reference's."""
    agreements = [compare_outputs(one, other) for one, other in zip(found, reference, strict=True)]
    labels = _same_labels(found, reference)
    demanded = LEAST_AGREEMENT_LESS_PRECISE if name in LESS_PRECISE else 0.0
    passed = agree_over_frames(name, agreements) and labels >= demanded
    return Judgement(passed, worst_of(agreements), labels, demanded)


def race(first: Backend, second: Backend, frames: Sequence[Feeds]) -> Race:
    """Time two backends that have run before, in turn, until it is clear which is the faster."""
    times_ms: tuple[list[float], list[float]] = ([], [])
    began = perf_counter()
    for turn in range(MOST_TURNS):
        pair = ((first, times_ms[0]), (second, times_ms[1]))
        for backend, taken_ms in pair if turn % 2 else reversed(pair):
            start = perf_counter()
            backend.run(frames[turn % len(frames)])
            taken_ms.append((perf_counter() - start) * 1e3)
        so_far = Race(tuple(times_ms[0]), tuple(times_ms[1]))
        if so_far.is_decided or (turn + 1 >= FEW_TURNS and perf_counter() - began > _LONGEST_S):
            break
    return so_far


def _is_clear(wins: int, turns: int) -> bool:
    return wins - turns / 2 >= _DEVIATIONS * math.sqrt(turns) / 2


def _same_labels(found: Sequence[Feeds], reference: Sequence[Feeds]) -> float:
    import numpy as np

    same = [
        (one["class_scores"].argmax(axis=1) == other["class_scores"].argmax(axis=1)).mean()
        for one, other in zip(found, reference, strict=True)
    ]
    return float(np.mean(same))
