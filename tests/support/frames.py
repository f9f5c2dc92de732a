"""Segmented frames for tests of sinks, with real results and without a model."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np

from runtime.segment.result import Result
from runtime.sinks.base import SegmentedFrame
from runtime.sources.frame import Frame
from tests.support.clips import SIZE_WH, draw_scene, scene_labels

SCENE_CLASSES = ("sky", "tree", "car")


def segmented(
    image_bgr: np.ndarray,
    labels: np.ndarray,
    index: int = 0,
    *,
    time_s: float | None = None,
    class_names: tuple[str, ...] = SCENE_CLASSES,
    pixel_aspect: Fraction = Fraction(1),
    path: str | None = None,
    stem: str | None = None,
) -> SegmentedFrame:
    """A frame with these labels, uint8 (H, W); 10 frames/s unless ``time_s`` says otherwise."""
    result = Result(
        labels=labels,
        class_names=class_names,
        units=None,
        latency_ms={},
        grid_scores=np.zeros((len(class_names), 1, 1), np.float32),
        label_of_row=np.arange(len(class_names), dtype=np.uint8),
        words=class_names,
        logit_scale=1.0,
    )
    frame = Frame(
        index,
        index / 10 if time_s is None else time_s,
        image_bgr,
        stem or f"{index:06d}",
        1.0,
        time.perf_counter(),
        pixel_aspect,
        path,
    )
    return SegmentedFrame(frame, result, {"total": 5.0})


def scene(
    index: int, size_wh: tuple[int, int] = SIZE_WH, *, time_s: float | None = None
) -> SegmentedFrame:
    """A drawn scene with its true labels."""
    return segmented(draw_scene(index, size_wh), scene_labels(index, size_wh), index, time_s=time_s)
