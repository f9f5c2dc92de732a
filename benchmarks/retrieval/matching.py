"""Scores of every caption with every photograph, out of a bundle's graph and text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.datasets.label_image import read_photograph
from benchmarks.retrieval.pooling import OBJECT, POOLS, PoolSettings, pool_object
from benchmarks.scoring.embeddings import embed_frame
from runtime import Segmenter
from runtime.bundle import TEXT_ENCODER_FILE
from runtime.errors import UserError
from runtime.segment.frames import Units
from runtime.text.encoder import TextEncoder
from runtime.text.prompting import embed_names

# Captions whose scores over a photograph are held at once: a few MiB, which caches like.
_CAPTIONS_AT_ONCE = 64


def embed_captions(
    segmenter: Segmenter,
    captions: Sequence[str],
    threads: int | None = None,
    *,
    progress: bool = False,
) -> np.ndarray:
    """Embeddings of whole captions as they stand, without a prompt: float32 (n, D), unit length.

    Args:
        segmenter: on the bundle whose text encoder is taken.
        captions: at least one.
        threads: of the encoder; None: its own choice.
        progress: show a bar on a terminal.

    Raises:
        UserError: the bundle has no text encoder.
    """
    bundle = segmenter.bundle
    if not bundle.has(TEXT_ENCODER_FILE):
        raise UserError(
            f"bundle {bundle.path} has no text encoder, which captions need; export it with one"
        )
    center = segmenter.text_embedder.vocabulary.text_center
    encoder = TextEncoder(bundle, threads)
    starts = range(0, len(captions), _CAPTIONS_AT_ONCE)
    try:
        rows = [
            embed_names(captions[i : i + _CAPTIONS_AT_ONCE], ("{}",), encoder.encode, center)
            for i in tqdm(starts, desc="captions", leave=False, disable=None if progress else True)
        ]
    finally:
        encoder.close()
    return np.concatenate(rows)


def score_pairs(
    segmenter: Segmenter,
    images: Sequence[Path],
    text_kd: np.ndarray,
    units: Units,
    pools: Sequence[str],
    settings: PoolSettings,
    *,
    progress: bool = False,
) -> dict[str, np.ndarray]:
    """The score of every caption with every photograph.

    Args:
        segmenter: on the bundle that is measured.
        images: paths of the photographs.
        text_kd: float32 (captions, D), of :func:`embed_captions`.
        units: whose scores are pooled: those of ``pixel`` or of ``adaptive`` units.
        pools: ways of pooling, of :data:`benchmarks.retrieval.pooling.NAMES`.
        settings: of the pooling.
        progress: show a bar on a terminal.

    Returns:
        By pool float32 (captions, photographs).

    Raises:
        UserError: a photograph cannot be read.
    """
    found = {pool: np.empty((len(text_kd), len(images)), np.float32) for pool in pools}
    shown = tqdm(images, desc="photographs", leave=False, disable=None if progress else True)
    for number, path in enumerate(shown):
        embeddings_dhw = embed_frame(segmenter, read_photograph(path), units)
        embeddings_dn = embeddings_dhw.reshape(len(embeddings_dhw), -1)
        for first in range(0, len(text_kd), _CAPTIONS_AT_ONCE):
            rows = slice(first, first + _CAPTIONS_AT_ONCE)
            scores_kn = text_kd[rows] @ embeddings_dn
            for pool in pools:
                if pool == OBJECT:
                    pooled_k = pool_object(scores_kn, embeddings_dn, settings)
                else:
                    pooled_k = POOLS[pool](scores_kn, settings)
                found[pool][rows, number] = pooled_k
    return found
