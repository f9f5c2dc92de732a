"""A protocol run on a bundle: the graph scores windows, the protocol decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from benchmarks.protocols.decision import decide
from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.windows import resized, slide
from benchmarks.scoring.score import Predictor
from runtime import Segmenter
from runtime.bundle import TEXT_ENCODER_FILE
from runtime.errors import UserError
from runtime.segment.frames import Units, WantedUnits
from runtime.text.encoder import TextEncoder
from runtime.text.prompting import fill_prompts, pool_prompts
from runtime.text.queries import MAX_WORDS, TextQueries


def protocol_predictor(
    segmenter: Segmenter, protocol: Protocol, *, progress: bool = False
) -> Predictor:
    """What predicts a frame as the protocol has it, by pixels and by adaptive units.

    No published protocol has units: theirs are the figures of ``pixel``.

    Args:
        segmenter: on the bundle that is measured.
        protocol: on the set that is to be scored.
        progress: show a bar on a terminal while words are encoded.

    Raises:
        UserError: the bundle takes windows of another size, has no text encoder, or the words are
            too many.
    """
    _check(segmenter, protocol)
    names = tuple(word for word, _ in protocol.rows)
    text_kd = embed_words(segmenter, protocol, progress=progress)
    queries = TextQueries(names, (), names, text_kd, np.zeros(len(names), np.uint8))

    def predict(frame_bgr: np.ndarray, units: Sequence[Units]) -> dict[Units, np.ndarray]:
        wanted: WantedUnits = "both" if len(units) > 1 else units[0]

        def score(window_bgr: np.ndarray) -> dict[str, np.ndarray]:
            raw = segmenter.model.score(segmenter.preprocess(window_bgr), queries, wanted)
            scores = {"adaptive": raw.class_scores, "pixel": raw.pixel_scores}
            return {kind: np.asarray(scores[kind]) for kind in units}

        size_wh = (frame_bgr.shape[1], frame_bgr.shape[0])
        cosines = slide(resized(frame_bgr, protocol), protocol, score)
        return {kind: decide(cosines[kind], protocol, size_wh) for kind in units}

    return predict


def embed_words(segmenter: Segmenter, protocol: Protocol, *, progress: bool = False) -> np.ndarray:
    """Embeddings of the protocol's words in its own templates: float32 (words, D), unit length."""
    encoder = TextEncoder(segmenter.bundle)
    center = segmenter.text_embedder.vocabulary.text_center
    rows = []
    try:
        bar = tqdm(protocol.rows, desc="words", leave=False, disable=None if progress else True)
        for word, _ in bar:
            encoded = encoder.encode(fill_prompts([word], protocol.templates))
            if protocol.mean_first:
                encoded = encoded.mean(axis=0, keepdims=True)
            rows.append(pool_prompts(encoded[None], center))
    finally:
        encoder.close()
    return np.concatenate(rows)


def _check(segmenter: Segmenter, protocol: Protocol) -> None:
    manifest, path = segmenter.manifest, segmenter.bundle.path
    if manifest.input.size_wh != (protocol.crop, protocol.crop):
        width, height = manifest.input.size_wh
        side = f"{protocol.crop}x{protocol.crop}"
        raise UserError(
            f"--protocol {protocol.name} cuts windows of {side} here, and the bundle {path} takes "
            f"{width}x{height}; export it with --size {side}"
        )
    if not segmenter.bundle.has(TEXT_ENCODER_FILE):
        raise UserError(
            f"bundle {path} has no text encoder, which the protocol's own prompts need; export it "
            "with one"
        )
    if len(protocol.rows) > MAX_WORDS:
        raise UserError(f"{len(protocol.rows)} words; at most {MAX_WORDS} fit the graph")
