"""How many units a bundle finds in a frame, against how much there is to see in it."""

from __future__ import annotations

import numpy as np

from benchmarks.datasets.evaluation_set import EvaluationSet
from benchmarks.scoring.bundle_under_test import BundleUnderTest
from benchmarks.scoring.score import each_frame
from benchmarks.scoring.segments import compare_with_complexity, scene_complexity


def count_active_units(
    subject: BundleUnderTest, dataset: EvaluationSet, *, progress: bool = False
) -> dict[str, float]:
    """Units in use in the plainest and in the busiest tenth of the frames, and their ratio.

    Args:
        subject: with its words set, whichever they are: units do not ask for them.
        dataset: frames with their truth, whose connected pieces say how busy a frame is.
        progress: show a bar on a terminal.

    Returns:
        See :func:`benchmarks.scoring.segments.compare_with_complexity`.
    """
    active, complexity = [], []
    for frame in each_frame(dataset, progress):
        active.append(subject.count_units(frame.frame_bgr))
        complexity.append(scene_complexity(frame.labels_hw))
    return compare_with_complexity(np.array(active), np.array(complexity))
