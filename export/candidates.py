"""Variants of one export: each written beside its place, run by the runtime, measured, judged."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from export.graph.staged_graph import StagedGraph
from export.graph.stages import is_among, root_of
from export.parity.figures import Parity
from export.parity.frames import Frame
from export.parity.gate import Verdict, judge, stages_by_loss
from export.parity.measure import measure_parity
from export.parity.reference import ReferenceSegmenter
from export.parity.reference_run import ReferenceRun, run_reference
from export.precision.half_range import HalfRange, find_beyond_half, measure_magnitudes
from export.precision.products import count_products
from export.precision.variants import ALWAYS_FP32, VariantFiles, changed_parts, make_variant
from export.progress import say, show_bar
from export.settings import ExportSettings
from export.text.files import TextSide, write_text_files
from runtime.bundle import SEGMENTER_FILE, TEXT_ENCODER_FILE, Bundle, Manifest, write_bundle
from runtime.segment.segmenter import Segmenter


@dataclass(frozen=True)
class Candidate:
    """A variant that stands beside its place, with its figures.

    Attributes:
        bundle: the bundle there; its manifest holds no parity figures yet.
        parity: how close it is to the reference.
        verdict: whether that is close enough.
        kept_fp32: stages that stayed in fp32 on top of those that always do.
        next_to_keep: what else to keep in fp32 if it fails; None when nothing is left.
        figures: what the final manifest says under ``parity``.
    """

    bundle: Bundle
    parity: Parity
    verdict: Verdict
    kept_fp32: tuple[str, ...]
    next_to_keep: str | None
    figures: Mapping[str, Any]


@dataclass
class CandidateBuilder:
    """Builds the variants of one export, and holds what they share.

    Attributes:
        settings: what the user asked for.
        fp32: the traced graph.
        template: the manifest without precision and parity.
        text: the text side of the bundles.
        reference: the eager reference.
        frames: the frames to compare on.
        words: the words whose labels are compared.
        untrained: the weights are known to be random.
        work: a folder beside the output.
        runs: the frames with the reference's answers, once the first variant has been measured.
        magnitudes: the largest one of each value of ``fp32`` on the frames, once asked for.
    """

    settings: ExportSettings
    fp32: StagedGraph
    template: Manifest
    text: TextSide
    reference: ReferenceSegmenter
    frames: Sequence[Frame]
    words: Sequence[str]
    untrained: bool
    work: Path
    runs: list[ReferenceRun] | None = None
    magnitudes: dict[str, float] | None = None

    def build(self, precision: str) -> Candidate:
        """Build and judge one precision; with auto-fallback, until it passes or nothing is left.

        Raises:
            MgcaError: the text encoder of this precision is too far from the exact one, or values
                do not fit into half precision and may not be kept in fp32.
        """
        kept = self.settings.keep_fp32 if precision != "fp32" else ()
        candidate = self._try(precision, kept)
        while not candidate.verdict.passed and self.settings.auto_fallback:
            further = candidate.next_to_keep
            if further is None:
                break
            say(
                f"{precision}: {candidate.verdict.criterion} {candidate.verdict.found:.5f} is "
                f"under {candidate.verdict.threshold:.5f}; falling back: {further} stays in fp32"
            )
            self._discard(candidate)
            candidate = self._try(precision, (*candidate.kept_fp32, further))
        return candidate

    def _try(self, precision: str, kept: tuple[str, ...]) -> Candidate:
        folder = self.work / "-".join((precision, *kept))
        half = self._half_range(kept) if precision == "fp16" else None
        nodes = half.admit(precision, keeps=self.settings.auto_fallback) if half else ()
        feeds = self._feeds() if precision == "int8-static" else []
        variant = make_variant(
            self.fp32,
            precision,
            kept,
            folder,
            feeds,
            nodes,
            stored=self.settings.store_weights,
        )
        bundle, text_parity = self._write_beside(variant, folder)
        parity = self._measure(precision, bundle, variant)
        variant.with_patches.unlink()
        verdict = judge(
            parity, untrained=self.untrained, least_agreement=self.settings.min_agreement
        )
        figures = {
            **parity.to_json(),
            "criterion": verdict.criterion,
            "threshold": verdict.threshold,
            "kept_fp32": [*ALWAYS_FP32, *kept] if precision != "fp32" else [],
            "text_encoder": text_parity,
        }
        if half is not None:
            figures["largest_magnitude"] = half.largest
            figures["kept_fp32_nodes"] = dict(half.beyond)
        further = next_to_keep(parity, kept, changed_parts(self.fp32, precision))
        return Candidate(bundle, parity, verdict, kept, further, figures)

    def _write_beside(self, variant: VariantFiles, folder: Path) -> tuple[Bundle, dict[str, Any]]:
        """Write a variant's bundle into ``folder``; gives its text encoder's figures too."""
        text_files, text_parity = write_text_files(
            self.text, variant.precision, folder, keeps=self.settings.auto_fallback
        )
        files = {SEGMENTER_FILE: variant.path, **text_files}
        products = {SEGMENTER_FILE: count_products(variant.graph.model)}
        if TEXT_ENCODER_FILE in text_files:
            text = onnx.load(str(text_files[TEXT_ENCODER_FILE]))
            products[TEXT_ENCODER_FILE] = count_products(text)
        manifest = replace(self.template, precision=variant.precision, products=products)
        # Weights of gigabytes lie on the disk once: what is this variant's own is moved.
        own = [name for name, file in files.items() if folder in file.parents]
        return write_bundle(folder / "bundle", manifest, files, moved=own), text_parity

    def _half_range(self, kept: tuple[str, ...]) -> HalfRange:
        """What half precision cannot hold of the graph on any of the frames."""
        if self.magnitudes is None:
            path = self.work / "magnitudes.onnx"
            feeds = show_bar(self._feeds(every=1), "magnitudes")
            self.magnitudes = measure_magnitudes(self.fp32.model, feeds, path)
        return find_beyond_half(self.fp32, self.magnitudes, {*ALWAYS_FP32, *kept})

    def _feeds(self, every: int = 2) -> list[dict[str, np.ndarray]]:
        """Every second frame, for precisions that are set by measured ranges."""
        if self.runs is None:
            # Only what the frames give is wanted; its weights would lie about until the end.
            self._discard(self._try("fp32", ()))
        runs = self.runs or []
        width = self.template.embedding_width
        text = np.eye(width, dtype=np.float32)[: len(self.words)]
        return [{"frame": run.input_hw3[None], "text": text} for run in runs[::every]]

    def _measure(self, precision: str, bundle: Bundle, variant: VariantFiles) -> Parity:
        with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
            segmenter.set_classes(list(self.words), background="none", allow_unknown=True)
            # The graph is on trial: its scores as they are, as the reference labels them.
            segmenter.decision = segmenter.decision.changed(presence=0.0)
            if self.runs is None:
                self.runs = run_reference(self.reference, self.frames, segmenter, show_bar)
            return measure_parity(precision, segmenter, variant.with_patches, self.runs, show_bar)

    @staticmethod
    def _discard(candidate: Candidate) -> None:
        shutil.rmtree(candidate.bundle.path.parent)


def next_to_keep(parity: Parity, kept: Collection[str], parts: Collection[str]) -> str | None:
    """Return what to keep in fp32 next: a part of the stage that loses most; None if none is left.

    Args:
        parity: the figures of the variant.
        kept: the stages, or parts of them, that stay in fp32 already.
        parts: the stages, or parts of stages, that the precision changes.
    """
    order = stages_by_loss(parity)
    left = [part for part in parts if not is_among(part, kept)]
    left.sort(key=lambda part: (order.index(root_of(part)), part))
    # With the last one kept too it would be the fp32 bundle under another name.
    return left[0] if len(left) > 1 else None
