"""Figure "similarity": where each typed word is seen, as heat over the picture.

Shape legend: k words, h' w' the decoder's grid.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import cv2
import numpy as np

from benchmarks.figures.canvas import blank, draw_text, fit, lay_out, stack, text_width
from benchmarks.figures.model_view import CheckpointView
from benchmarks.figures.pictures import Picture

PANEL_WH = (264, 198)
LETTERS = 22
HEAT_STEPS = 32
PERCENTILES = (2.0, 99.5)  # of a word's leads over all pictures: cold and hot


def parse_words(text: str) -> list[str]:
    """``car,sky,purple bus`` -> its words, lower case."""
    words = [" ".join(word.lower().split()) for word in text.split(",")]
    if not all(words) or len(set(words)) < len(words):
        raise argparse.ArgumentTypeError(f"{text!r}: expected different words between commas")
    return words


def draw_similarity(
    view: CheckpointView, pictures: Sequence[Picture], words: Sequence[str]
) -> np.ndarray:
    """A row for each picture, a column for each word; a column's pictures share one scale.

    Shown is how far a word's cosine lies above the mean of StreetWorld's class names at that pixel:
    what all words share says nothing about which of them is meant, and hides it in a plain map.
    """
    from training.data.streetworld import CLASS_NAMES

    text_kd = np.concatenate([view.embed(words), view.embed(CLASS_NAMES)])
    scores = [view.see(picture.frame_bgr).scores(text_kd, "pixel") for picture in pictures]
    cosines = [lead_over_mean(scores_khw, len(words)) for scores_khw in scores]
    columns, titles = [], []
    for index in range(len(words)):
        heats, low, high = normalise_heat([cosine_khw[index] for cosine_khw in cosines])
        panels = [
            lay_heat(fit(picture.frame_bgr, PANEL_WH), heat_hw)
            for picture, heat_hw in zip(pictures, heats, strict=True)
        ]
        columns.append(panels)
        titles.append(f'"{words[index]}"  {low:.2f} to {high:.2f}')
    rows = [
        [fit(picture.frame_bgr, PANEL_WH), *(column[row] for column in columns)]
        for row, picture in enumerate(pictures)
    ]
    drawn = lay_out(rows, ["image", *titles], letters=LETTERS)
    return stack([drawn, heat_scale(drawn.shape[1])])


def lead_over_mean(scores_khw: np.ndarray, words: int) -> np.ndarray:
    """How far the first ``words`` rows of cosines (k, h', w') lie above the mean of the others:
    (words, h', w').

    >>> lead_over_mean(np.array([[[0.5]], [[0.1]], [[0.3]]]), 1).round(2).tolist()
    [[[0.3]]]
    """
    return scores_khw[:words] - scores_khw[words:].mean(axis=0)


def normalise_heat(
    maps: Sequence[np.ndarray], percentiles: tuple[float, float] = PERCENTILES
) -> tuple[list[np.ndarray], float, float]:
    """One word's leads (h', w') on all pictures -> heat in [0, 1] on one scale, and its ends.

    The scale is the word's own over all pictures, so a picture without the thing stays cold beside
    one that has it. Leads that are all equal are cold.
    """
    every = np.concatenate([cosines_hw.ravel() for cosines_hw in maps])
    low, high = (float(value) for value in np.percentile(every, percentiles))
    span = high - low
    heats = [
        np.clip((cosines_hw - low) / span, 0.0, 1.0).astype(np.float32)
        if span > 1e-6
        else np.zeros(cosines_hw.shape, np.float32)
        for cosines_hw in maps
    ]
    return heats, low, high


def lay_heat(image_bgr: np.ndarray, heat_hw: np.ndarray) -> np.ndarray:
    """Heat in [0, 1] (h', w') over the grey picture, enlarged bilinearly: BGR uint8 (h, w, 3)."""
    size_wh = (image_bgr.shape[1], image_bgr.shape[0])
    heat = cv2.resize(heat_hw, size_wh, interpolation=cv2.INTER_LINEAR)
    # without the sensor's noise, which hides the heat and fills the file
    grey = cv2.medianBlur(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY), 5)
    grey = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(grey, 0.35, color_heat(heat), 0.65, 0.0)


def color_heat(heat_hw: np.ndarray) -> np.ndarray:
    """Heat in [0, 1] -> BGR uint8 in steps, as on a map: dark blue is cold, red is hot."""
    steps = np.round(heat_hw * (HEAT_STEPS - 1)) * (255 / (HEAT_STEPS - 1))
    return cv2.applyColorMap(steps.astype(np.uint8), cv2.COLORMAP_TURBO)


def heat_scale(width: int) -> np.ndarray:
    """The scale as a strip (h, width, 3) with its two ends named."""
    height = 2 * LETTERS
    canvas = blank(width, height)
    left = "cold: the word lies below the mean word"
    right = "hot: far above it"
    bar = 260
    start = max(8, (width - text_width(left, LETTERS) - text_width(right, LETTERS) - bar - 32) // 2)
    top = LETTERS // 2
    draw_text(canvas, left, (start, top), LETTERS)
    at = start + text_width(left, LETTERS) + 16
    ramp = np.linspace(0.0, 1.0, bar, dtype=np.float32)[None].repeat(LETTERS, axis=0)
    canvas[top : top + LETTERS, at : at + bar] = color_heat(ramp)
    draw_text(canvas, right, (at + bar + 16, top), LETTERS)
    return canvas
