"""A protocol run on a bundle: the runtime, set as the protocol says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.setting import classes_of, config_of
from benchmarks.scoring.score import Predictor
from runtime import Segmenter
from runtime.cli.opening import ask_for, read_classes
from runtime.errors import UserError
from runtime.segment.frames import Units, WantedUnits


def protocol_predictor(segmenter: Segmenter, protocol: Protocol) -> Predictor:
    """What predicts a frame as the protocol has it, by pixels and by adaptive units.

    No published protocol has units: theirs are the figures of ``pixel``.

    Args:
        segmenter: on the bundle that is measured; is set as the protocol says.
        protocol: on the set that is to be scored.

    Raises:
        UserError: the bundle takes windows of another size, has no text encoder for the protocol's
            templates, or the words are too many.
    """
    check_crop(segmenter, protocol)
    config = config_of(protocol)
    ask_for(segmenter, config.words, read_classes(config.words), config.sources)

    def predict(frame_bgr: np.ndarray, units: Sequence[Units]) -> dict[Units, np.ndarray]:
        wanted: WantedUnits = "both" if len(units) > 1 else units[0]
        raw = segmenter.infer(segmenter.preprocess(frame_bgr), units=wanted)
        return {
            kind: classes_of(protocol, segmenter.postprocess(raw, units=kind).labels)
            for kind in units
        }

    return predict


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
