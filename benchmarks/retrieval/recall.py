"""Recall at K: how often what belongs together is among the first K."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from benchmarks.scoring.bootstrap import bootstrap_means, interval95

AT = (1, 5, 10)
DIRECTIONS = ("text_to_image", "image_to_text")


def ranks_of_images(scores_cp: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Where each caption finds its photograph: int64 (captions,), 1 is best.

    Args:
        scores_cp: (captions, photographs), higher is nearer.
        owner: int64 (captions,), the photograph of each.

    What scores the same counts as before it, so that one score for all finds nothing.
    """
    own_c1 = np.take_along_axis(scores_cp, owner[:, None], axis=1)
    return np.asarray((scores_cp >= own_c1).sum(axis=1))


def ranks_of_captions(scores_cp: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Where each photograph finds the first of its captions: int64 (photographs,), 1 is best.

    Arguments as of :func:`ranks_of_images`; others that score the same count as before it.
    """
    own_cp = owner[:, None] == np.arange(scores_cp.shape[1])
    best_p = np.where(own_cp, scores_cp, -np.inf).max(axis=0)
    return np.asarray(((scores_cp >= best_p) & ~own_cp).sum(axis=0) + 1)


def describe_recall(scores_cp: np.ndarray, owner: np.ndarray) -> dict[str, Any]:
    """Recall at 1, 5 and 10 and the median rank, both directions, as JSON-ready values.

    Intervals are bootstraps over photographs: captions of one are drawn together.
    """
    photographs = scores_cp.shape[1]
    each_photograph = np.arange(photographs)
    return {
        "text_to_image": _describe(ranks_of_images(scores_cp, owner), owner, photographs),
        "image_to_text": _describe(
            ranks_of_captions(scores_cp, owner), each_photograph, photographs
        ),
    }


def chance(owner: np.ndarray) -> dict[str, dict[str, float]]:
    """What drawing at random finds, as :func:`describe_recall` has it without its intervals."""
    captions, photographs = len(owner), int(owner.max()) + 1
    own = np.bincount(owner)
    found: dict[str, dict[str, float]] = {direction: {} for direction in DIRECTIONS}
    for k in AT:
        found["text_to_image"][f"r{k}"] = min(1.0, k / photographs)
        missed = [_all_miss(captions, int(count), min(k, captions)) for count in own]
        found["image_to_text"][f"r{k}"] = 1 - float(np.mean(missed))
    return found


def _all_miss(captions: int, own: int, drawn: int) -> float:
    return prod(max(0, captions - own - i) / (captions - i) for i in range(drawn))


def _describe(ranks: np.ndarray, photograph_of: np.ndarray, photographs: int) -> dict[str, Any]:
    asked = np.bincount(photograph_of, minlength=photographs)
    described: dict[str, Any] = {}
    for k in AT:
        hits = np.bincount(photograph_of, weights=ranks <= k, minlength=photographs)
        described[f"r{k}"] = float((ranks <= k).mean())
        resampled = bootstrap_means(hits) / bootstrap_means(asked)
        described[f"r{k}_ci95"] = list(interval95(resampled))
    described["median_rank"] = float(np.median(ranks))
    return described
