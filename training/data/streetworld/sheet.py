"""A contact sheet: many scenes on one picture, with captions, for a person to look at."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.streetworld.palette import CLASS_NAMES
from training.data.streetworld.scene import Origin, Scene, generate_scene

LABEL_COLORS: NDArray[np.uint8] = np.array(
    [
        (135, 190, 240),
        (90, 80, 100),
        (230, 60, 220),
        (110, 200, 80),
        (240, 220, 140),
        (40, 90, 200),
        (150, 110, 90),
        (30, 110, 40),
        (160, 160, 170),
        (240, 210, 40),
        (170, 120, 60),
        (30, 40, 160),
        (240, 130, 30),
        (220, 30, 60),
        (130, 20, 60),
        (120, 70, 20),
        (60, 220, 210),
        (250, 130, 190),
        (255, 255, 120),
        (235, 240, 250),
    ],
    np.uint8,
)


def color_labels(labels_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Class indices as colors, RGB uint8 (H, W, 3); black where there is no class."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(LABEL_COLORS)] = LABEL_COLORS
    return table[labels_hw]


def _legend(width: int) -> NDArray[np.uint8]:
    strip = np.full((22, width, 3), 255, np.uint8)
    step = width // len(CLASS_NAMES)
    for index, name in enumerate(CLASS_NAMES):
        color = tuple(int(c) for c in LABEL_COLORS[index])
        cv2.rectangle(strip, (index * step, 6), (index * step + 10, 16), color, -1)
        cv2.putText(
            strip,
            name,
            (index * step + 13, 15),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.32,
            (0, 0, 0),
            1,
            cv2.LINE_AA,
        )
    return strip


def _card(scene: Scene, zoom: int, labels: bool, lines: int) -> NDArray[np.uint8]:
    height, width = scene.labels_hw.shape
    size = (width * zoom, height * zoom)
    pictures = [cv2.resize(scene.image_hw3, size, interpolation=cv2.INTER_NEAREST)]
    if labels:
        pictures.append(
            cv2.resize(color_labels(scene.labels_hw), size, interpolation=cv2.INTER_NEAREST)
        )
    picture = np.hstack(pictures)
    text = np.full((14 * lines + 6, picture.shape[1], 3), 255, np.uint8)
    letters = picture.shape[1] // 6
    wrapped = [f"{scene.namespace} {scene.seed}"]
    for caption in scene.captions:
        wrapped += textwrap.wrap("- " + caption, letters)
    for n, line in enumerate(wrapped[:lines]):
        cv2.putText(
            text, line, (3, 12 + 14 * n), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 1, cv2.LINE_AA
        )
    return np.vstack([picture, text])


def _arrange(cards: list[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Cards of one size in rows, the last filled up with white."""
    blank = np.full_like(cards[0], 255)
    cards = cards + [blank] * (-len(cards) % columns)
    rows = [np.hstack(cards[n : n + columns]) for n in range(0, len(cards), columns)]
    return np.vstack(rows)


def draw_sheet(
    seeds: Sequence[int],
    *,
    origin: Origin,
    size_wh: tuple[int, int] = (128, 96),
    labels: bool = False,
    zoom: int = 2,
    columns: int = 6,
) -> NDArray[np.uint8]:
    """Scenes side by side with their captions.

    Args:
        seeds: which scenes.
        origin: where they come from.
        size_wh: width and height of a scene in pixels.
        labels: whether masks are shown beside images, and a legend below.
        zoom: how many times larger pixels are drawn.
        columns: scenes a row, at most.

    Returns:
        RGB uint8 (H, W, 3).
    """
    rules = dataclasses.asdict(origin)
    cards = [
        _card(generate_scene(seed, size_wh=size_wh, **rules), zoom, labels, 7) for seed in seeds
    ]
    sheet = _arrange(cards, min(columns, len(cards)))
    return np.vstack([sheet, _legend(sheet.shape[1])]) if labels else sheet
