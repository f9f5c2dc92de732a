"""A set's counts while it is scored, frame by frame, and scoring itself.

Three things go on at once: a thread reads frames, the caller's runs the graph, a third makes labels
of the scores and counts them. On all but the smallest models the graph is what takes the time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.datasets.read_ahead import read_ahead
from benchmarks.scoring.bootstrap import margins_of
from benchmarks.scoring.boundary import boundary_f_score
from benchmarks.scoring.score import Kind, LatePredictor, Predictor, Score, each_frame
from benchmarks.scoring.unfinished import Unfinished
from runtime.confusion_matrix import count_confusions

_SAVE_EVERY_S = 20.0


class Tally:
    """The counts so far.

    Args:
        dataset: what is scored.
        units: the kinds that are.
    """

    def __init__(self, dataset: EvaluationSet, units: Sequence[Kind]) -> None:
        classes = len(dataset.words)
        self.dataset = dataset
        self.totals = {kind: np.zeros((classes, classes + 1), np.int64) for kind in units}
        self.margins: dict[Kind, list[np.ndarray]] = {kind: [] for kind in units}
        self.edges: dict[Kind, list[float]] = {kind: [] for kind in units}

    @property
    def frames(self) -> int:
        """How many frames are counted."""
        return len(next(iter(self.edges.values())))

    def add(self, frame: EvaluationFrame, labels: dict[Kind, np.ndarray]) -> None:
        """Count a frame."""
        truth_hw = self.dataset.truth_of(frame)
        for kind, labels_hw in labels.items():
            confusion = count_confusions(frame.labels_hw, labels_hw, len(self.dataset.words))
            self.totals[kind] += confusion
            self.margins[kind].append(margins_of(confusion))
            self.edges[kind].append(boundary_f_score(truth_hw, labels_hw))

    def scores(self) -> dict[Kind, Score]:
        """The score of each kind of unit, of at least one frame."""
        return {
            kind: Score(
                self.dataset.words, total, np.stack(self.margins[kind]), np.array(self.edges[kind])
            )
            for kind, total in self.totals.items()
        }

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it as arrays by name, of at least one frame."""
        arrays = {}
        for kind, total in self.totals.items():
            arrays[f"{kind}.total"] = total
            arrays[f"{kind}.margins"] = np.stack(self.margins[kind])
            arrays[f"{kind}.edges"] = np.array(self.edges[kind])
        return arrays

    def take_over(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from what :meth:`to_arrays` gave."""
        for kind in self.totals:
            self.totals[kind] = arrays[f"{kind}.total"].copy()
            self.margins[kind] = list(arrays[f"{kind}.margins"])
            self.edges[kind] = arrays[f"{kind}.edges"].tolist()


def score_set(
    predict: Predictor,
    dataset: EvaluationSet,
    units: Sequence[Kind],
    *,
    progress: bool = False,
    unfinished: Unfinished | None = None,
) -> dict[Kind, Score]:
    """Score every frame of a set.

    Args:
        predict: what is scored.
        dataset: frames with their truth.
        units: kinds of unit, each scored on its own.
        progress: show a bar on a terminal.
        unfinished: where counts are kept until all frames are scored, and taken up again.

    Returns:
        A score for each kind of unit.
    """
    tally = Tally(dataset, units)
    if unfinished is not None and (kept := unfinished.load()):
        tally.take_over(kept)
    try:
        _score_frames(predict, tally, units, progress, unfinished)
    finally:
        if unfinished is not None and tally.frames:
            unfinished.save(tally.to_arrays())
    return tally.scores()


def _score_frames(
    predict: Predictor,
    tally: Tally,
    units: Sequence[Kind],
    progress: bool,
    unfinished: Unfinished | None,
) -> None:
    saved = time.monotonic()

    def finish(frame: EvaluationFrame, labels: Callable[[], dict[Kind, np.ndarray]]) -> None:
        nonlocal saved
        tally.add(frame, labels())
        if unfinished is not None and time.monotonic() - saved > _SAVE_EVERY_S:
            unfinished.save(tally.to_arrays())
            saved = time.monotonic()

    frames = each_frame(tally.dataset, progress, tally.frames, read_ahead)
    # One thread, so that frames are counted in their order and a break leaves no gap.
    with ThreadPoolExecutor(1, "scoring") as scoring:
        waiting: deque[Future[None]] = deque()
        try:
            for frame in frames:
                labels = _begin(predict, frame.frame_bgr, units)
                waiting.append(scoring.submit(finish, frame, labels))
                if len(waiting) > 1:
                    waiting.popleft().result()
            for future in waiting:
                future.result()
        except BaseException:
            for future in waiting:  # after a frame that failed none may be counted
                future.cancel()
            raise


def _begin(
    predict: Predictor, frame_bgr: np.ndarray, units: Sequence[Kind]
) -> Callable[[], dict[Kind, np.ndarray]]:
    if isinstance(predict, LatePredictor):
        return predict.begin(frame_bgr, units)
    labels = predict(frame_bgr, units)
    return lambda: labels
