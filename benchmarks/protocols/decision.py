"""From the scores of words to a class for each pixel, as a protocol decides.

Rows are enlarged to the labels' size one at a time, so that 171 classes at 2048 x 1024 take a few
maps of that size and not 171.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.windows import enlarged


def decide(cosines_khw: np.ndarray, protocol: Protocol, size_wh: tuple[int, int]) -> np.ndarray:
    """Classes uint8 (H, W).

    Args:
        cosines_khw: float32 (words, h, w), in the order of ``protocol.rows``.
        protocol: how it is decided.
        size_wh: of the labels.
    """
    if protocol.constant_background is not None:
        return _beside_a_constant(cosines_khw, protocol, size_wh)
    return _by_softmax(cosines_khw, protocol, size_wh)


def _logits(
    cosines_khw: np.ndarray, protocol: Protocol, size_wh: tuple[int, int]
) -> Iterator[tuple[int, np.ndarray]]:
    """Each row's class, and its logits at full size."""
    for (_, label), cosines_hw in zip(protocol.rows, cosines_khw, strict=True):
        yield label, protocol.scale * enlarged(cosines_hw, size_wh)


def _beside_a_constant(
    cosines_khw: np.ndarray, protocol: Protocol, size_wh: tuple[int, int]
) -> np.ndarray:
    assert protocol.constant_background is not None
    best_hw = np.full(size_wh[::-1], -np.inf, np.float32)
    labels_hw = np.zeros(size_wh[::-1], np.uint8)
    for label, cosines_hw in _logits(cosines_khw, protocol, size_wh):
        wins = cosines_hw > best_hw
        labels_hw[wins], best_hw[wins] = label, cosines_hw[wins]
    value_hw = 1 / (1 + np.exp((0.25 - best_hw / protocol.scale) * 10))
    labels_hw[value_hw <= protocol.constant_background] = 0
    return labels_hw


def _by_softmax(
    cosines_khw: np.ndarray, protocol: Protocol, size_wh: tuple[int, int]
) -> np.ndarray:
    best_hw = np.full(size_wh[::-1], -np.inf, np.float32)
    total_hw = np.zeros(size_wh[::-1], np.float32)  # of exp(logit - best)
    labels_hw = np.zeros(size_wh[::-1], np.uint8)
    for label, logits_hw in _logits(cosines_khw, protocol, size_wh):
        wins = logits_hw > best_hw
        top_hw = np.where(wins, logits_hw, best_hw)
        total_hw *= np.exp(best_hw - top_hw)
        total_hw += np.exp(logits_hw - top_hw)
        labels_hw[wins] = label
        best_hw = top_hw
    chance_hw = 1 / total_hw
    if protocol.least_area is not None:
        kept = _large_enough(labels_hw, len(protocol.words), protocol.least_area)
        if not kept[np.unique(labels_hw)].all():
            labels_hw, chance_hw = _among(kept, cosines_khw, protocol, best_hw, total_hw)
    if protocol.threshold is not None:
        labels_hw[chance_hw < protocol.threshold] = 0
    return labels_hw


def _large_enough(labels_hw: np.ndarray, classes: int, least_area: float) -> np.ndarray:
    """Which classes have more than that share of the pixels given to things; class 0 always."""
    areas = np.bincount(labels_hw.ravel(), minlength=classes).astype(np.float64)
    things = areas[1:].sum()
    kept = areas > least_area * things
    kept[0] = True
    return kept


def _among(
    kept: np.ndarray,
    cosines_khw: np.ndarray,
    protocol: Protocol,
    best_hw: np.ndarray,
    total_hw: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The most likely of the kept classes, and its probability among all words."""
    logit_hw = np.full(best_hw.shape, -np.inf, np.float32)
    labels_hw = np.zeros(best_hw.shape, np.uint8)
    for label, logits_hw in _logits(cosines_khw, protocol, best_hw.shape[::-1]):
        if kept[label]:
            wins = logits_hw > logit_hw
            labels_hw[wins], logit_hw[wins] = label, logits_hw[wins]
    return labels_hw, np.exp(logit_hw - best_hw) / total_hw
