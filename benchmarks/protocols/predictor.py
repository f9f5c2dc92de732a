"""A protocol run on a bundle: the graph scores windows, the protocol decides."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.protocols.decision import decide
from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.windows import WindowScores, resized, slide
from benchmarks.scoring.pamr import Refiner
from benchmarks.scoring.score import Kind, LatePredictor
from runtime import Segmenter
from runtime.bundle import TEXT_ENCODER_FILE
from runtime.errors import UserError
from runtime.segment.frames import WantedUnits
from runtime.text.encoder import TextEncoder
from runtime.text.prompting import fill_prompts, pool_prompts
from runtime.text.queries import MAX_WORDS, TextQueries


def protocol_predictor(
    segmenter: Segmenter,
    protocol: Protocol,
    *,
    progress: bool = False,
    text_kd: np.ndarray | None = None,
) -> LatePredictor:
    """What predicts a frame as the protocol has it: by pixels, these refined, and by units.

    No published protocol has units: theirs are the figures of ``pixel``, with PAMR of ``pamr``.

    Args:
        segmenter: on the bundle that is measured.
        protocol: on the set that is to be scored.
        progress: show a bar on a terminal while words are encoded.
        text_kd: float32 (words, D), their embeddings; None: encoded here. Given ones are taken for
            a measurement of time, on a bundle of any size.

    Raises:
        UserError: the bundle takes windows of another size, has no text encoder, or the words are
            too many.
    """
    if text_kd is None:
        _check(segmenter, protocol)
        warn_of_positions(segmenter, protocol)
        text_kd = embed_words(segmenter, protocol, progress=progress)
    names = tuple(word for word, _ in protocol.rows)
    queries = TextQueries(names, (), names, text_kd, np.zeros(len(names), np.uint8))

    def begin(frame_bgr: np.ndarray, units: Sequence[Kind]) -> Callable[[], dict[Kind, np.ndarray]]:
        size_wh = (frame_bgr.shape[1], frame_bgr.shape[0])
        picture_bgr = resized(frame_bgr, protocol)
        score = partial(score_window, segmenter, queries, _wanted(units))
        scores = slide(picture_bgr, protocol, score)
        return lambda: {
            kind: label_picture(kind, scores, picture_bgr, protocol, size_wh) for kind in units
        }

    return LatePredictor(begin)


def score_window(
    segmenter: Segmenter, queries: TextQueries, wanted: WantedUnits, window_bgr: np.ndarray
) -> dict[Kind, np.ndarray]:
    """Scores of a window uint8 (h', w', 3): by kind float32 (words, rows, columns)."""
    raw = segmenter.model.score(segmenter.preprocess(window_bgr), queries, wanted)
    scores: dict[Kind, Any] = {"adaptive": raw.class_scores, "pixel": raw.pixel_scores}
    return {kind: np.asarray(rows) for kind, rows in scores.items() if rows is not None}


def _wanted(units: Sequence[Kind]) -> WantedUnits:
    """What the graph is asked for."""
    if "adaptive" not in units:
        return "pixel"
    return "adaptive" if set(units) == {"adaptive"} else "both"


def label_picture(
    kind: Kind,
    scores: Mapping[Kind, WindowScores],
    picture_bgr: np.ndarray,
    protocol: Protocol,
    size_wh: tuple[int, int],
) -> np.ndarray:
    """Classes of a picture, uint8 (H, W).

    Args:
        kind: what they are read from; ``pamr`` reads scores of ``pixel``.
        scores: by kind.
        picture_bgr: uint8 (h, w, 3), at the protocol's size.
        protocol: how it is decided.
        size_wh: of the labels.
    """
    if kind != "pamr":
        return decide(scores[kind], protocol, size_wh)
    how = protocol.refinement
    if how.whole:
        colors_hw3 = cv2.resize(picture_bgr.astype(np.float32), size_wh)
        refine = Refiner(colors_hw3, how.dilations)
        return decide(scores["pixel"], protocol.refined, size_wh, refine)
    refined = scores["pixel"].refined(picture_bgr, how.dilations)
    return decide(refined, protocol.refined, size_wh)


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


def warn_of_positions(segmenter: Segmenter, protocol: Protocol) -> None:
    """Say on stderr where the bundle resizes position embeddings otherwise than the protocol."""
    found, wanted = segmenter.manifest.clip.position_resize, protocol.position_resize
    if found != wanted:
        print(
            f"warning: --protocol {protocol.name} resizes position embeddings by '{wanted}', and "
            f"the bundle's manifest says {found!r}; figures may differ a little; export it with "
            f"--position-resize {wanted}",
            file=sys.stderr,
        )


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
