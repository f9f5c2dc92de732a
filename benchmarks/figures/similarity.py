"""Figure "similarity": where each typed word is seen, as heat over the picture.

Shape legend: k words, h' w' the decoder's grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from benchmarks.figures.model_view import CheckpointView
from benchmarks.figures.pictures import Picture
from benchmarks.figures.sheet import NOTE_POINTS, Sheet

PANEL_WH = (264, 198)
HEAT = matplotlib.colormaps["turbo"].resampled(32)  # in steps, as on a map
HEAT_SHARE = 0.65  # of what is seen; the rest is the picture in grey
PERCENTILES = (2.0, 99.5)  # of a word's leads over all pictures: cold and hot


def draw_similarity(
    view: CheckpointView, pictures: Sequence[Picture], words: Sequence[str]
) -> Figure:
    """A row for each picture, a column for each word; a column's pictures share one scale.

    Shown is how far a word's cosine lies above the mean of StreetWorld's class names at that pixel:
    what all words share says nothing about which of them is meant, and hides it in a plain map.
    """
    from training.data.streetworld import CLASS_NAMES

    text_kd = np.concatenate([view.embed(words), view.embed(CLASS_NAMES)])
    scores = [view.see(picture.frame_bgr).scores(text_kd, "pixel") for picture in pictures]
    leads = [lead_over_mean(scores_khw, len(words)) for scores_khw in scores]
    scales = [heat_scale([lead_khw[index] for lead_khw in leads]) for index in range(len(words))]
    titles = [
        f'"{word}"  {low:.2f} to {high:.2f}'
        for word, (low, high) in zip(words, scales, strict=True)
    ]
    sheet = Sheet(len(pictures), ["image", *titles], PANEL_WH)
    for row, (picture, lead_khw) in enumerate(zip(pictures, leads, strict=True)):
        sheet.show(row, 0, cv2.cvtColor(picture.frame_bgr, cv2.COLOR_BGR2RGB))
        grey_hw3 = _without_color(picture.frame_bgr)
        for column, (lead_hw, scale) in enumerate(zip(lead_khw, scales, strict=True), 1):
            lay_heat(sheet.show(row, column, grey_hw3), lead_hw, scale, grey_hw3.shape[:2])
    _name_ends(sheet)
    return sheet.figure


def lead_over_mean(scores_khw: np.ndarray, words: int) -> np.ndarray:
    """How far the first words' cosines lie above the mean of the others'.

    Args:
        scores_khw: cosines (k, h', w').
        words: how many come first.

    Returns:
        (words, h', w').

    >>> lead_over_mean(np.array([[[0.5]], [[0.1]], [[0.3]]]), 1).round(2).tolist()
    [[[0.3]]]
    """
    return scores_khw[:words] - scores_khw[words:].mean(axis=0)


def heat_scale(
    maps: Sequence[np.ndarray], percentiles: tuple[float, float] = PERCENTILES
) -> tuple[float, float]:
    """What is cold and what is hot among one word's leads (h', w') on all pictures.

    The scale is the word's own over all pictures, so a picture without the thing stays cold beside
    one that has it.
    """
    every = np.concatenate([leads_hw.ravel() for leads_hw in maps])
    low, high = np.percentile(every, percentiles)
    return float(low), float(high)


def lay_heat(
    axes: Axes, lead_hw: np.ndarray, scale: tuple[float, float], size_hw: tuple[int, ...]
) -> None:
    """Lay one word's leads over the picture in a panel, enlarged bilinearly.

    Args:
        axes: the panel.
        lead_hw: float (h', w').
        scale: leads that are cold and hot; what lies beyond is cut, and equal ones are cold.
        size_hw: of the picture in pixels.
    """
    low, high = scale
    heat_hw = cv2.resize(
        lead_hw.astype(np.float32), (size_hw[1], size_hw[0]), interpolation=cv2.INTER_LINEAR
    )
    axes.imshow(heat_hw, cmap=HEAT, alpha=HEAT_SHARE, vmin=low, vmax=max(high, low + 1e-6))


def _without_color(frame_bgr: np.ndarray) -> np.ndarray:
    """Grey RGB, without the sensor's noise, which hides the heat and fills the file."""
    grey_hw = cv2.medianBlur(cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2GRAY), 5)
    return cv2.cvtColor(grey_hw, cv2.COLOR_GRAY2RGB)


def _name_ends(sheet: Sheet) -> None:
    bar = sheet.figure.colorbar(
        ScalarMappable(cmap=HEAT), ax=sheet.panels, location="bottom", shrink=0.4, aspect=24
    )
    bar.set_ticks(
        [0.0, 1.0],
        labels=["cold: the word lies below\nthe mean word", "hot: far above it"],
        fontsize=NOTE_POINTS,
    )
