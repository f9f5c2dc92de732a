"""A frame's own embeddings, out of a bundle's graph."""

from __future__ import annotations

import numpy as np

from runtime import Segmenter
from runtime.segment.frames import Units


def embed_frame(segmenter: Segmenter, frame_bgr: np.ndarray, units: Units) -> np.ndarray:
    """What meets the text at each place of the output grid.

    Args:
        segmenter: its words play no part and stay as they are.
        frame_bgr: uint8 (h, w, 3).
        units: ``pixel``: each pixel's own embedding; ``adaptive``: the mixture of unit embeddings.

    Returns:
        float32 (D, h', w'), for each place about unit length.
    """
    return segmenter.model.embed(segmenter.preprocess(frame_bgr), units).values
