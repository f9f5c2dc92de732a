"""A protocol run on a bundle: the runtime, set as the protocol says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.setting import classes_of, config_of
from benchmarks.scoring.pamr import RefinedScores, RefinedWindows
from benchmarks.scoring.score import Kind, LatePredictor
from runtime import Segmenter
from runtime.cli.opening import ask_for, read_classes
from runtime.errors import UserError
from runtime.segment.decision import label_as_decided
from runtime.segment.frames import PreparedFrame, RawScores, WantedUnits
from runtime.segment.windows import WindowScores


def protocol_predictor(segmenter: Segmenter, protocol: Protocol) -> LatePredictor:
    """What predicts a frame as the protocol has it, by pixels, refined by PAMR, and by units.

    No published protocol has units: theirs are the figures of ``pixel`` and ``pamr``.

    Args:
        segmenter: on the bundle that is measured; is set as the protocol says.
        protocol: on the set that is to be scored.

    Raises:
        UserError: the bundle takes windows of another size, has no text encoder for the protocol's
            templates, or the words are too many.
    """
    check_crop(segmenter, protocol)
    warn_of_positions(segmenter, protocol)
    config = config_of(protocol)
    ask_for(segmenter, config.words, read_classes(config.words), config.sources)
    return predictor_of(segmenter, protocol)


def predictor_of(segmenter: Segmenter, protocol: Protocol) -> LatePredictor:
    """The same of a segmenter that has been set."""

    def begin(frame_bgr: np.ndarray, units: Sequence[Kind]) -> Callable[[], dict[Kind, np.ndarray]]:
        prepared = segmenter.preprocess(frame_bgr)
        raw = segmenter.infer(prepared, units=wanted_of(units))

        def label(kind: Kind) -> np.ndarray:
            if kind == "pamr":
                return label_refined(segmenter, protocol, prepared, raw)
            return segmenter.postprocess(raw, units=kind).labels

        return lambda: {kind: classes_of(protocol, label(kind)) for kind in units}

    return LatePredictor(begin)


def label_refined(
    segmenter: Segmenter, protocol: Protocol, prepared: PreparedFrame, raw: RawScores
) -> np.ndarray:
    """Labels uint8 (H, W) as the runtime gives them, out of scores refined as the protocol has it.

    Args:
        segmenter: set as the protocol says.
        protocol: says where PAMR stands.
        prepared: the picture.
        raw: its scores by pixels, of windows.
    """
    how, windows, picture_hw3 = protocol.refinement, raw.pixel_scores, prepared.tensor[0]
    assert isinstance(windows, WindowScores), "a protocol has windows"
    scores: RefinedWindows | RefinedScores
    if how.each_window:
        scores = RefinedWindows.of(windows, picture_hw3, how.dilations)
    else:
        colors_hw3 = cv2.resize(picture_hw3, raw.size_wh, interpolation=cv2.INTER_LINEAR)
        scores = RefinedScores.of(windows, colors_hw3, how.dilations)
    decision, background = segmenter.decision, protocol.refined.constant_background
    if background is not None:
        decision = decision.changed(background_threshold=background)
    return label_as_decided(scores, raw.queries.label_of_row, raw.size_wh, decision)


def wanted_of(units: Sequence[Kind]) -> WantedUnits:
    """What the graph is asked for."""
    if "adaptive" not in units:
        return "pixel"
    return "adaptive" if set(units) == {"adaptive"} else "both"


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


def check_crop(segmenter: Segmenter, protocol: Protocol) -> None:
    """Raise ``UserError`` unless the bundle takes windows of the protocol's size."""
    manifest, path = segmenter.manifest, segmenter.bundle.path
    if manifest.input.size_wh != (protocol.crop, protocol.crop):
        width, height = manifest.input.size_wh
        side = f"{protocol.crop}x{protocol.crop}"
        raise UserError(
            f"--protocol {protocol.name} cuts windows of {side} here, and the bundle {path} takes "
            f"{width}x{height}; export it with --size {side}"
        )
