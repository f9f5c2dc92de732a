"""What a photograph is asked, and how answers are counted: three figures, from easy to hard.

- ``present+background``: the names in sight and twenty words for what lies behind. Where one of
  these wins, the answer is "none of the names". Every pixel counts.
- ``present``: the names in sight alone, on pixels of things.
- ``all``: every name of the folder, on pixels of things.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.datasets.folder import NONE, PhotoFolder, Photograph
from runtime.confusion_matrix import IGNORE

FIGURES = ("present+background", "present", "all")
BACKGROUND = tuple(
    "sky grass tree wall floor road water building snow sand mountain ground ceiling window rock "
    "fence leaves field beach curtain".split()
)


@dataclass(frozen=True, eq=False)
class Question:
    """One of the figures, asked of one photograph.

    Attributes:
        figure: of :data:`FIGURES`.
        words: the classes asked for, in label order.
        background: words that compete with them; none: every pixel gets a class.
        truth_hw: uint8 (h, w), label values; 255 where pixels do not count.
        value_of_label: uint8 (256,): the folder's value for each label that a segmenter gives.
    """

    figure: str
    words: tuple[str, ...]
    background: tuple[str, ...]
    truth_hw: np.ndarray
    value_of_label: np.ndarray


def ask(folder: PhotoFolder, photograph: Photograph, labels_hw: np.ndarray) -> Iterator[Question]:
    """The questions that a photograph can answer: those with a word and a pixel that counts.

    Args:
        folder: whose names they are.
        photograph: of the folder.
        labels_hw: its label values, uint8 (h, w).
    """
    things_hw = np.where(labels_hw == NONE, np.uint8(IGNORE), labels_hw)
    behind = tuple(word for word in BACKGROUND if word not in photograph.present)
    for figure, words, background, truth_hw in (
        ("present+background", photograph.present, behind, labels_hw),
        ("present", photograph.present, (), things_hw),
        ("all", folder.names, (), things_hw),
    ):
        if words and (truth_hw != IGNORE).any():
            value_of_label = np.zeros(256, np.uint8)
            value_of_label[: len(words)] = [folder.index_of[word] for word in words]
            yield Question(figure, words, background, truth_hw, value_of_label)


def count_blind(question: Question, values: int) -> np.ndarray:
    """What answering with any of the words, all as likely, gets on average.

    Args:
        question: with the words.
        values: how many label values there are.

    Returns:
        float64 (values, values + 1), pixels, as :mod:`runtime.confusion_matrix` has them.
    """
    known = question.truth_hw[question.truth_hw < values]
    truth = np.bincount(known, minlength=values)
    answers = question.value_of_label[: len(question.words)]
    chance = np.bincount(answers, minlength=values + 1).astype(np.float64)
    chance[NONE] += len(question.background)
    return np.outer(truth, chance / chance.sum())
