"""Counts over many scenes: what is visible, what is named, what comes together."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.streetworld.captions import noun_of_word
from training.data.streetworld.palette import CLASS_NAMES
from training.data.streetworld.scene import Origin, describe, draft_scene, look

_WORD = re.compile("[a-z]+")


@dataclass(frozen=True)
class Statistics:
    """Figures of ``scenes`` scenes; arrays are indexed like CLASS_NAMES.

    Attributes:
        scenes: how many were counted.
        captions: how many captions they have.
        visible: share of scenes in which the class can be seen.
        area: mean share of the pixels where it can be seen.
        named: share of captions that name it.
        together: [a, b] = share of the scenes with b that show a as well.
        alone: share of captions that name one class only.
    """

    scenes: int
    captions: int
    visible: NDArray[np.float64]
    area: NDArray[np.float64]
    named: NDArray[np.float64]
    together: NDArray[np.float64]
    alone: float


def nouns_in(caption: str) -> set[str]:
    """The classes that a caption names, synonyms and plurals included."""
    found = (noun_of_word(word) for word in _WORD.findall(caption))
    return {noun for noun in found if noun is not None}


def count_scenes(scenes: int, origin: Origin, first: int = 0) -> Statistics:
    """Counts over ``scenes`` scenes from seed ``first`` on, without painting them."""
    classes = len(CLASS_NAMES)
    seen = np.zeros((scenes, classes))
    areas, named = np.zeros(classes), np.zeros(classes)
    captions = alone = 0
    for row in range(scenes):
        draft = draft_scene(first + row, origin)
        parts = look(draft)
        for part in parts:
            index = CLASS_NAMES.index(part.noun)
            seen[row, index] = 1
            areas[index] += part.share
        for caption in describe(draft, parts):
            nouns = nouns_in(caption)
            captions += 1
            alone += len(nouns) == 1
            for noun in nouns:
                named[CLASS_NAMES.index(noun)] += 1
    counts = np.maximum(seen.sum(0), 1)
    return Statistics(
        scenes=scenes,
        captions=captions,
        visible=seen.mean(0),
        area=areas / counts,
        named=named / captions,
        together=seen.T @ seen / counts[None],
        alone=alone / captions,
    )


def format_statistics(statistics: Statistics) -> str:
    """A table for people, percentages."""
    lines = [
        f"{statistics.scenes} scenes, {statistics.captions} captions, "
        f"{100 * statistics.alone:.0f} % of them name one class only",
        "class       visible  area where seen   named  most often together with",
    ]
    for index, name in enumerate(CLASS_NAMES):
        others = statistics.together[:, index].copy()
        others[index] = -1
        mates = ", ".join(
            f"{CLASS_NAMES[mate]} {100 * others[mate]:.0f}" for mate in np.argsort(-others)[:3]
        )
        lines.append(
            f"{name:10s} {100 * statistics.visible[index]:7.1f}"
            f" {100 * statistics.area[index]:16.1f} {100 * statistics.named[index]:7.1f}  {mates}"
        )
    return "\n".join(lines)
