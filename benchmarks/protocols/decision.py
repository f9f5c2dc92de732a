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
    maps = _Maps(cosines, protocol, size_wh, refine)
    if protocol.constant_background is not None:
        return _beside_a_constant(maps, protocol.constant_background)
    if protocol.threshold is None and protocol.least_area is None:
        return _best(maps)[0]  # a softmax changes no order
    return _by_softmax(maps, protocol)


class _Maps:
    """Each row's class, and its cosines at full size; to be gone through again."""

    def __init__(
        self, cosines: Rows, protocol: Protocol, size_wh: tuple[int, int], refine: Refine | None
    ) -> None:
        self.cosines, self.protocol, self.size_wh, self.refine = cosines, protocol, size_wh, refine

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        for (_, label), cosines_hw in zip(self.protocol.rows, self.cosines, strict=True):
            map_hw = enlarged(cosines_hw, self.size_wh)
            yield label, map_hw if self.refine is None else self.refine(map_hw)


def _best(maps: _Maps, kept: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The class of the highest cosine, uint8 (H, W), and that, float32; among those that are kept,
    bool (classes,), or all.
    """
    best_hw = np.full(maps.size_wh[::-1], -np.inf, np.float32)
    labels_hw = np.zeros(best_hw.shape, np.uint8)
    for label, map_hw in maps:
        if kept is None or kept[label]:
            np.copyto(labels_hw, label, where=map_hw > best_hw)
            np.maximum(best_hw, map_hw, out=best_hw)
    return labels_hw, best_hw


def _beside_a_constant(maps: _Maps, constant: float) -> np.ndarray:
    labels_hw, best_hw = _best(maps)
    value_hw = 1 / (1 + np.exp((0.25 - best_hw) * 10))
    labels_hw[value_hw <= constant] = 0
    return labels_hw


def _by_softmax(maps: _Maps, protocol: Protocol) -> np.ndarray:
    best_hw = np.full(maps.size_wh[::-1], -np.inf, np.float32)
    total_hw = np.zeros(best_hw.shape, np.float32)  # of exp(logit - best)
    labels_hw = np.zeros(best_hw.shape, np.uint8)
    for label, map_hw in maps:
        logits_hw = protocol.scale * map_hw
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
            labels_hw, kept_hw = _best(maps, kept)
            chance_hw = np.exp(protocol.scale * kept_hw - best_hw) / total_hw
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
