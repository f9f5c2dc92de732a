"""The best that an output grid allows: the truth itself, pushed through the grid.

A class's share of each cell, enlarged bilinearly as a model's scores are, the largest share
winning: what a model would score that knew every cell's contents exactly.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from benchmarks.datasets.evaluation_set import EvaluationSet
from benchmarks.scoring.score import each_frame
from runtime.confusion_matrix import count_confusions, mean_iou, named_ious


def push_through_grid(truth_hw: np.ndarray, classes: int, grid_wh: tuple[int, int]) -> np.ndarray:
    """Labels that a perfect model on ``grid_wh`` would give.

    Args:
        truth_hw: uint8 (h, w); labels from ``classes`` on belong to no class.
        classes: number of classes.
        grid_wh: columns and rows of the grid.

    Returns:
        uint8 (h, w), a class everywhere.

    >>> push_through_grid(np.array([[0, 1, 1, 1]], np.uint8), 2, (2, 1)).tolist()
    [[0, 1, 1, 1]]
    """
    size_wh = (truth_hw.shape[1], truth_hw.shape[0])
    shares = [
        cv2.resize(
            cv2.resize((truth_hw == k).astype(np.float32), grid_wh, interpolation=cv2.INTER_AREA),
            size_wh,
            interpolation=cv2.INTER_LINEAR,
        )
        for k in range(classes)
    ]
    return np.argmax(np.stack(shares), axis=0).astype(np.uint8)


def measure_ceiling(
    dataset: EvaluationSet, grid_wh: tuple[int, int], miou: float, *, progress: bool = False
) -> dict[str, Any]:
    """The ceiling of a grid on an evaluation set, and how much of it a model reaches.

    Args:
        dataset: frames with their truth.
        grid_wh: of the model's scores.
        miou: of the model on the same frames, a fraction.
        progress: show a bar on a terminal.

    Returns:
        ``{"grid_wh": [w, h], "miou": ..., "iou": {...}, "reached": ...}``, fractions.
    """
    classes = len(dataset.words)
    total = np.zeros((classes, classes + 1), np.int64)
    for frame in each_frame(dataset, progress):
        labels_hw = push_through_grid(frame.labels_hw, classes, grid_wh)
        total += count_confusions(frame.labels_hw, labels_hw, classes)
    ceiling = mean_iou(total)
    return {
        "grid_wh": list(grid_wh),
        "miou": ceiling,
        "iou": named_ious(total, dataset.words),
        "reached": miou / ceiling,
    }
