"""A frame's own embeddings, out of a bundle's graph.

A score is linear in the word's embedding, so the rows of an identity matrix in the words' place
bring back what every word's score is made of.
"""

from __future__ import annotations

import numpy as np

from runtime import Segmenter
from runtime.segment.frames import Units
from runtime.segment.word_scores import identity
from runtime.text.queries import TextQueries


def embed_frame(segmenter: Segmenter, frame_bgr: np.ndarray, units: Units) -> np.ndarray:
    """What meets the text at each place of the output grid.

    Args:
        segmenter: its words play no part and stay as they are.
        frame_bgr: uint8 (h, w, 3).
        units: ``pixel``: each pixel's own embedding; ``adaptive``: the mixture of unit embeddings.

    Returns:
        float32 (D, h', w'), for each place about unit length.
    """
    width = segmenter.manifest.embedding_width
    names = tuple(f"axis {number}" for number in range(width))
    queries = TextQueries(names, (), names, identity(width), np.zeros(width, np.uint8))
    raw = segmenter.model.score(segmenter.preprocess(frame_bgr), queries, units)
    scores = raw.pixel_scores if units == "pixel" else raw.class_scores
    return np.asarray(scores, np.float32)
