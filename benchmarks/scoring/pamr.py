"""PAMR in NumPy: what :mod:`training.model.pamr` puts into a graph, for scores of any bundle.

Araslanov and Roth, CVPR 2020. Rows of scores are refined one after another, so that the number of
words does not decide the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from runtime.segment.decision import SIGMOID_CENTER, SIGMOID_SLOPE, sigmoid_of
from runtime.segment.windows import WindowScores

ROUNDS = 10
TCL_DILATIONS = (1, 2, 4, 8, 12, 24)
NACLIP_DILATIONS = (8, 16)
#: Probabilities are kept that far from 0 and 1 on their way back to cosines.
_LEAST = np.float32(1e-6)
_AROUND = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0))


class Refiner:
    """Refines maps of one picture by its colors.

    Args:
        colors_hw3: uint8 or float (h, w, 3), of the maps' size.
        dilations: distances of the neighbors, in pixels.
        rounds: how often.
    """

    def __init__(
        self, colors_hw3: np.ndarray, dilations: Sequence[int], rounds: int = ROUNDS
    ) -> None:
        self.dilations, self.rounds = tuple(dilations), rounds
        self._shares_phw = self._weigh(np.asarray(colors_hw3, np.float32))
        size_hw = colors_hw3.shape[:2]
        self._product_hw = np.empty(size_hw, np.float32)

    def __call__(self, scores_hw: np.ndarray) -> np.ndarray:
        """A map refined: float32 (h, w) to float32 (h, w), a new one."""
        refined_hw = np.ascontiguousarray(scores_hw, np.float32)
        for _ in range(self.rounds):
            around, refined_hw = self._around(refined_hw), np.zeros_like(refined_hw)
            for share_hw, near_hw in zip(self._shares_phw, around, strict=True):
                refined_hw += np.multiply(share_hw, near_hw, out=self._product_hw)
        return refined_hw

    def _weigh(self, colors_hw3: np.ndarray) -> np.ndarray:
        """How much each place around counts: float32 (p, h, w), summing to 1 over p."""
        shares_phw = np.zeros((8 * len(self.dilations), *colors_hw3.shape[:2]), np.float32)
        times = len(self.dilations)
        for color_hw in np.moveaxis(colors_hw3, 2, 0):
            # Sums of squares of what is near the pixel's own color lose nothing to rounding.
            first_hw, second_hw = np.zeros_like(color_hw), np.zeros_like(color_hw)
            for near_hw in self._around(color_hw):
                first_hw += near_hw - color_hw
                second_hw += np.square(near_hw - color_hw)
            count = len(shares_phw) + times
            variance_hw = (second_hw - np.square(first_hw) / count) / (count - 1)
            scale_hw = 1 / (3 * (1e-8 + 0.1 * np.sqrt(np.maximum(variance_hw, 0))))
            for share_hw, near_hw in zip(shares_phw, self._around(color_hw), strict=True):
                share_hw -= np.abs(near_hw - color_hw) * scale_hw
        np.exp(shares_phw - shares_phw.max(axis=0), out=shares_phw)
        shares_phw /= shares_phw.sum(axis=0)
        return shares_phw

    def _around(self, map_hw: np.ndarray) -> Iterator[np.ndarray]:
        height, width = map_hw.shape
        reach = max(self.dilations)
        padded = cv2.copyMakeBorder(map_hw, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
        for distance in self.dilations:
            for y, x in _AROUND:
                top, left = reach + y * distance, reach + x * distance
                yield padded[top : top + height, left : left + width]


def refine_scores(scores_khw: Any, frame_hw3: np.ndarray, dilations: Sequence[int]) -> np.ndarray:
    """Scores of a bundle refined on its own grid, as a graph exported with ``--refine pamr`` does.

    Args:
        scores_khw: float32 (k, h', w').
        frame_hw3: uint8 (h, w, 3), as the graph took it.
        dilations: in pixels of the grid.

    Returns:
        float32 (k, h', w').
    """
    rows = np.asarray(scores_khw)
    size_wh = (rows.shape[2], rows.shape[1])
    colors_hw3 = cv2.resize(frame_hw3.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA)
    refine = Refiner(colors_hw3, dilations)
    return np.stack([refine(row) for row in rows])


@dataclass(frozen=True, eq=False)
class RefinedScores:
    """Cosines of a picture in windows, each row put together, enlarged and refined when asked for.

    As NACLIP has it (Hajimiri et al., WACV 2025): after windows are put together, at the size of
    the labels, before the softmax. No row is kept, since many words of a large picture take no
    memory that way.

    Attributes:
        scores: of the windows.
        size_wh: at which rows are refined.
        refine: made of the colors at that size.
    """

    scores: WindowScores
    size_wh: tuple[int, int]
    refine: Refiner

    @classmethod
    def of(
        cls, scores: WindowScores, colors_hw3: np.ndarray, dilations: Sequence[int]
    ) -> RefinedScores:
        """The scores refined by uint8 (h, w, 3), at its size."""
        height, width = colors_hw3.shape[:2]
        return cls(scores, (width, height), Refiner(colors_hw3, dilations))

    def row(self, number: int) -> np.ndarray:
        """The refined scores of a word: float32 (h, w)."""
        own_hw = self.scores.row(number)
        return self.refine(cv2.resize(own_hw, self.size_wh, interpolation=cv2.INTER_LINEAR))


@dataclass(frozen=True, eq=False)
class RefinedWindows:
    """Cosines of a picture in windows, each window's probabilities refined by themselves.

    As TCL has it (Cha et al., CVPR 2023): a window's cosines are enlarged to its size, put through
    the logistic of :class:`runtime.segment.decision.Decision`, refined, and the mean is taken
    where windows overlap. What is given are cosines again, of the same probability.

    Attributes:
        scores: of the windows.
        refiners: one for each window, made of its colors.
    """

    scores: WindowScores
    refiners: tuple[Refiner, ...]

    @classmethod
    def of(
        cls, scores: WindowScores, picture_hw3: np.ndarray, dilations: Sequence[int]
    ) -> RefinedWindows:
        """The scores refined by uint8 (h, w, 3), the picture that was cut into windows."""
        cuts = (np.ascontiguousarray(picture_hw3[place]) for place in scores.places)
        return cls(scores, tuple(Refiner(cut_hw3, dilations) for cut_hw3 in cuts))

    def row(self, number: int) -> np.ndarray:
        """The refined scores of a word: float32 (h, w)."""
        refiners = iter(self.refiners)
        chance_hw = self.scores.row(number, lambda own_hw: next(refiners)(sigmoid_of(own_hw)))
        np.clip(chance_hw, _LEAST, 1 - _LEAST, out=chance_hw)
        cosine_hw: np.ndarray = np.log(chance_hw / (1 - chance_hw)) / SIGMOID_SLOPE
        cosine_hw += np.float32(SIGMOID_CENTER)
        return cosine_hw
