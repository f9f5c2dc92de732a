"""Scores and pictures of a stream, drawn, for what smooths them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from runtime.segment.frames import PreparedFrame, RawScores
from runtime.segment.smoothing import TIME_CONSTANT_S, TemporalSmoother
from runtime.text.queries import TextQueries

FPS = 15
GRID_HW = (54, 72)


def textured(seed: int, size_hw: tuple[int, int] = (216, 288)) -> np.ndarray:
    """A picture with something to see everywhere: uint8 (h, w, 3), 60 to 190 grey levels."""
    height, width = size_hw
    colors = np.random.default_rng(seed).uniform(60, 190, (height // 4, width // 4, 3))
    picture = cv2.resize(colors.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


STREET, THING, ELSEWHERE = textured(3), textured(4), textured(9)


def asked(labels: list[int]) -> TextQueries:
    """A list of classes of which only the labels of its words matter."""
    names = tuple(f"word {row}" for row in range(len(labels)))
    text = np.eye(len(labels), dtype=np.float32)
    return TextQueries(names, (), names, text, np.array(labels, np.uint8))


TWO = asked([0, 1])


def scores_of(labels_hw: np.ndarray, by: float = 0.3) -> np.ndarray:
    """Scores float32 (2, h', w') by which label 0 or 1 wins."""
    ones = labels_hw.astype(np.float32)
    return by * np.stack([1 - ones, ones])


class ScoreStream:
    """A smoother and the frames that it is given, one after another."""

    def __init__(self, queries: TextQueries = TWO, seconds: float = TIME_CONSTANT_S) -> None:
        self.smoother = TemporalSmoother(seconds)
        self.queries = queries
        self.time_s: float | None = 0.0

    def raw(self, scores: Any, image_hw3: np.ndarray, step_s: float = 1 / FPS) -> RawScores:
        """What comes of a frame's class scores."""
        if self.time_s is not None:
            self.time_s += step_s
        frame = PreparedFrame(image_hw3[None], (640, 480), self.time_s)
        raw = RawScores(self.queries, frame.size_wh, scores, None, None, frame.time_s)
        return self.smoother.smooth(raw, frame)

    def show(self, scores: Any, image_hw3: np.ndarray, step_s: float = 1 / FPS) -> np.ndarray:
        """The scores to label, all of them."""
        return np.asarray(self.raw(scores, image_hw3, step_s).class_scores)


def noisy_scores(seed: int, rows: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, *GRID_HW)).astype(np.float32)


def with_thing(left: int) -> tuple[np.ndarray, np.ndarray]:
    """The street with a thing in it, 60 x 60 pixels, and labels on the grid (1: the thing)."""
    image = STREET.copy()
    image[80:140, left : left + 60] = THING[80:140, 60:120]
    labels = np.zeros((216, 288), np.uint8)
    labels[80:140, left : left + 60] = 1
    return image, labels[2::4, 2::4] > 0
