"""The bundle that is measured, behind the few calls that a benchmark needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scoring.pamr import TCL_DILATIONS, RefinedScores, refine_scores
from benchmarks.scoring.score import Kind, LatePredictor
from runtime import Segmenter
from runtime.flag_values import whole_number
from runtime.segment.decision import label_as_decided
from runtime.segment.frames import PreparedFrame, RawScores
from runtime.segment.windows import WindowScores


def add_bundle_flags(add: Callable[..., object]) -> None:
    """The flags that say which bundle is measured and what runs it; ``add`` as of a parser."""
    add("--bundle", type=Path, help="folder made by python -m export (the demo's)")
    add("--backend", default="auto", help="as mgca-rt takes it (auto)")
    add("--threads", type=whole_number(1), help="of the backend")


class BundleUnderTest:
    """A segmenter that is asked for every word of a truth, or as a user asks.

    Args:
        bundle: its folder; None: the shipped demo's.
        backend: name of the backend.
        threads: of the backend; None: its own choice.
        dilations: how pixels of the kind ``pamr`` are refined.

    Raises:
        runtime.errors.UserError: no such bundle or backend.
    """

    def __init__(
        self,
        bundle: Path | None,
        backend: str,
        threads: int | None,
        dilations: Sequence[int] = TCL_DILATIONS,
    ) -> None:
        self.dilations = tuple(dilations)
        self.segmenter = Segmenter.load(bundle, backend=backend, threads=threads)

    @property
    def grid_wh(self) -> tuple[int, int]:
        """Columns and rows of the scores."""
        return self.segmenter.bundle.manifest.output.grid_wh

    def predictor(self, words: Sequence[str]) -> LatePredictor:
        """A predictor for ``words``, in this order; asking for another one ends this one's use.

        It runs the graph once, whatever units are asked for. Held-out phrases are encoded, not
        refused.
        """
        self.segmenter.set_classes(list(words), background="none", allow_unknown=True)
        segmenter = self.segmenter

        def begin(
            frame_bgr: np.ndarray, units: Sequence[Kind]
        ) -> Callable[[], dict[Kind, np.ndarray]]:
            prepared = segmenter.preprocess(frame_bgr)
            raw = segmenter.infer(prepared, units="both")
            return lambda: {kind: self._label(raw, prepared, kind) for kind in units}

        return LatePredictor(begin)

    def _label(self, raw: RawScores, prepared: PreparedFrame, kind: Kind) -> np.ndarray:
        if kind != "pamr":
            return self.segmenter.postprocess(raw, units=kind).labels
        scores, picture_hw3 = raw.pixel_scores, prepared.tensor[0]
        if isinstance(scores, WindowScores):  # put together, they are as large as the picture
            refined = RefinedScores.of(scores, picture_hw3, self.dilations)
            row_labels, decision = raw.queries.label_of_row, self.segmenter.decision
            return label_as_decided(refined, row_labels, raw.size_wh, decision)
        on_grid = refine_scores(scores, picture_hw3, self.dilations)
        return self.segmenter.postprocess(replace(raw, pixel_scores=on_grid), units="pixel").labels

    def labeller(
        self, classes: Sequence[str], background: str
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Labels of a frame as ``mgca-rt`` gives them: positions in ``classes``, else 255."""
        self.segmenter.set_classes(list(classes), background=background)
        return lambda frame_bgr: self.segmenter(frame_bgr).labels

    def count_units(self, frame_bgr: np.ndarray) -> int:
        """How many adaptive units the pixels of a frame belong to most."""
        raw = self.segmenter.infer(self.segmenter.preprocess(frame_bgr), units="adaptive")
        assert raw.unit_of_pixel is not None, "asked for"
        return len(np.unique(raw.unit_of_pixel))

    def describe(self) -> dict[str, Any]:
        """What ran: the bundle's id, precision and input size, backend and provider."""
        manifest = self.segmenter.bundle.manifest
        return {
            "id": self.segmenter.bundle.id,
            "precision": manifest.precision,
            "input_size_wh": list(manifest.input.size_wh),
            "clip": manifest.clip.name,
            "refine": manifest.units.get("refine", "units"),
            "backend": self.segmenter.backend.name,
            "provider": self.segmenter.backend.provider,
        }
