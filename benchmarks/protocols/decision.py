"""From the scores of words to a class for each pixel, as a protocol decides.

Rows are put together and enlarged to the labels' size one at a time, so that 171 classes at
2048 x 1024 take a few maps of that size and not 171.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.windows import WindowScores, enlarged

Rows: TypeAlias = np.ndarray | WindowScores
Refine: TypeAlias = Callable[[np.ndarray], np.ndarray]


def decide(
    cosines: Rows, protocol: Protocol, size_wh: tuple[int, int], refine: Refine | None = None
) -> np.ndarray:
    """Classes uint8 (H, W).

    Args:
        cosines: a map float32 (h, w) for each word, in the order of ``protocol.rows``.
        protocol: how it is decided.
        size_wh: of the labels.
        refine: what each map goes through at that size.
    """
    logits = _Logits(cosines, protocol, size_wh, refine)
    if protocol.constant_background is not None:
        return _beside_a_constant(logits, protocol.constant_background)
    if protocol.threshold is None and protocol.least_area is None:
        return _best(logits)[0]
    return _by_softmax(logits, protocol)


class _Logits:
    """Each row's class, and its logits at full size; to be gone through again."""

    def __init__(
        self, cosines: Rows, protocol: Protocol, size_wh: tuple[int, int], refine: Refine | None
    ) -> None:
        self.cosines, self.protocol, self.size_wh, self.refine = cosines, protocol, size_wh, refine

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        for (_, label), cosines_hw in zip(self.protocol.rows, self.cosines, strict=True):
            logits_hw = self.protocol.scale * enlarged(cosines_hw, self.size_wh)
            yield label, logits_hw if self.refine is None else self.refine(logits_hw)


def _best(logits: _Logits, kept: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The class of the highest logit, uint8 (H, W), and that, float32; among those that are kept,
    bool (classes,), or all.
    """
    best_hw = np.full(logits.size_wh[::-1], -np.inf, np.float32)
    labels_hw = np.zeros(best_hw.shape, np.uint8)
    for label, logits_hw in logits:
        if kept is None or kept[label]:
            np.copyto(labels_hw, label, where=logits_hw > best_hw)
            np.maximum(best_hw, logits_hw, out=best_hw)
    return labels_hw, best_hw


def _beside_a_constant(logits: _Logits, constant: float) -> np.ndarray:
    labels_hw, best_hw = _best(logits)
    value_hw = 1 / (1 + np.exp((0.25 - best_hw / logits.protocol.scale) * 10))
    labels_hw[value_hw <= constant] = 0
    return labels_hw


def _by_softmax(logits: _Logits, protocol: Protocol) -> np.ndarray:
    best_hw = np.full(logits.size_wh[::-1], -np.inf, np.float32)
    total_hw = np.zeros(best_hw.shape, np.float32)  # of exp(logit - best)
    labels_hw = np.zeros(best_hw.shape, np.uint8)
    for label, logits_hw in logits:
        wins = logits_hw > best_hw
        lesser_hw = np.exp(-np.abs(logits_hw - best_hw))
        # Where the row wins, what was summed before shrinks beside its 1; else it adds the lesser.
        total_hw *= np.where(wins, lesser_hw, np.float32(1))
        total_hw += np.where(wins, np.float32(1), lesser_hw)
        np.copyto(labels_hw, label, where=wins)
        np.maximum(best_hw, logits_hw, out=best_hw)
    chance_hw = 1 / total_hw
    if protocol.least_area is not None:
        kept = _large_enough(labels_hw, len(protocol.words), protocol.least_area)
        if not kept[np.unique(labels_hw)].all():
            labels_hw, kept_hw = _best(logits, kept)
            chance_hw = np.exp(kept_hw - best_hw) / total_hw
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
