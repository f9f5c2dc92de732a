"""The classes that a figure shows, and their colors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.figures.canvas import make_legend
from benchmarks.figures.colors import NO_CLASS, Color, class_colors


def class_legend(
    words: Sequence[str], maps: Iterable[np.ndarray], width: int, *, letters: int = 20
) -> np.ndarray:
    """A legend (h, width, 3) of the words that cover something on any of the label maps."""
    entries = present_classes(words, maps)
    return make_legend(entries, width, letters=letters)


def present_classes(
    words: Sequence[str], maps: Iterable[np.ndarray], least_share: float = 0.002
) -> list[tuple[str, Color]]:
    """Names and colors of the labels that cover at least that share of one map, in label order."""
    present: set[int] = set()
    for labels_hw in maps:
        labels, counts = np.unique(labels_hw, return_counts=True)
        present |= set(labels[counts >= least_share * labels_hw.size].tolist())
    entries = [
        (word, color)
        for label, (word, color) in enumerate(zip(words, class_colors(words), strict=True))
        if label in present
    ]
    if any(label >= len(words) for label in present):
        entries.append(("no label", NO_CLASS))
    return entries
