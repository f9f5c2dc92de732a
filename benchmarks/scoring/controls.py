"""Stand-ins that score what a model gets without looking, or without reading its words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.datasets.evaluation_set import EvaluationSet
from benchmarks.scoring.score import Kind, Predictor, each_frame

CONTROLS = ("mean-map", "permuted-words")


def mean_map_predictor(
    predict: Predictor, dataset: EvaluationSet, units: Sequence[Kind], *, progress: bool = False
) -> Predictor:
    """A control that does not look: every frame gets the model's most frequent label of each place.

    What this scores comes from position alone, so it is what seeing the frame must beat.

    Args:
        predict: the model, which is run over all frames first.
        dataset: frames to take the labels from, and to be scored on afterwards.
        units: kinds of unit that will be asked for.
        progress: show a bar on a terminal.
    """
    votes: dict[tuple[str, tuple[int, ...]], np.ndarray] = {}
    for frame in each_frame(dataset, progress):
        for kind, labels_hw in predict(frame.frame_bgr, units).items():
            key = (kind, labels_hw.shape)
            if key not in votes:
                votes[key] = np.zeros((len(dataset.words), labels_hw.size), np.int32)
            flat = labels_hw.ravel()
            pixels = np.flatnonzero(flat < len(dataset.words))
            votes[key][flat[pixels], pixels] += 1
    maps = {
        key: count.argmax(axis=0).astype(np.uint8).reshape(key[1]) for key, count in votes.items()
    }

    def predict_mean(frame_bgr: np.ndarray, units: Sequence[Kind]) -> dict[Kind, np.ndarray]:
        return {kind: maps[kind, frame_bgr.shape[:2]] for kind in units}

    return predict_mean


def permute_words(words: Sequence[str], seed: int) -> tuple[str, ...]:
    """A control that cannot know: the words in another order, none of them in its own place.

    >>> permute_words(["sky", "road"], 0)
    ('road', 'sky')
    """
    order = np.random.default_rng(seed).permutation(len(words))
    shifted = np.empty_like(order)
    shifted[order] = np.roll(order, 1)  # one cycle through all the words
    return tuple(words[i] for i in shifted)
