"""The reference's answers on the frames of an export: asked once, compared with every variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.parity.frames import Frame
from export.parity.reference import ReferenceResult, ReferenceSegmenter, labels_at_source
from export.progress import Progress
from runtime.segment.segmenter import Segmenter
from runtime.text.queries import TextQueries


@dataclass(frozen=True)
class ReferenceRun:
    """One frame with what the reference says: done once, compared with every variant.

    Attributes:
        frame: the source frame, with truth where known.
        input_hw3: uint8 RGB at the model's input size.
        result: the reference's stages and scores.
        labels_hw: uint8 labels at the source's size.
    """

    frame: Frame
    input_hw3: np.ndarray
    result: ReferenceResult
    labels_hw: np.ndarray


def run_reference(
    reference: ReferenceSegmenter,
    frames: Sequence[Frame],
    segmenter: Segmenter,
    progress: Progress,
) -> list[ReferenceRun]:
    """Run the reference on every frame, with the segmenter's input size and class list.

    Only the frame's resizing to the input size, which is integers in and out, is the runtime's.
    """
    queries = queries_of(segmenter)
    runs = []
    for frame in progress(frames, "reference"):
        input_hw3 = segmenter.preprocess(frame.image_hw3[:, :, ::-1]).tensor[0]
        result = reference(input_hw3, queries.text)
        labels = labels_at_source(result.class_scores, frame.image_hw3.shape[:2])
        runs.append(ReferenceRun(frame, input_hw3, result, labels))
    return runs


def queries_of(segmenter: Segmenter) -> TextQueries:
    """Return the words that a segmenter is set to; raises ValueError without any."""
    if segmenter.classes is None:
        raise ValueError("the segmenter has no classes set")
    return segmenter.classes
