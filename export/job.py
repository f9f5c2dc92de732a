"""One export from beginning to end: load, trace, write beside, measure, judge, put in place."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from export import manifests
from export.cost import measure_cost
from export.frames import Frame, draw_demo_frames, read_image_folder
from export.gate import Verdict, failure_message, format_table, judge
from export.graph import trace_to_onnx
from export.output_folder import check_output, folder_of_precision, nearest_existing_parent
from export.parity import Parity, ReferenceRun, measure_parity, run_reference
from export.progress import say, show_bar
from export.reference import ReferenceSegmenter
from export.rewrites.fold_constants import fold_constants
from export.settings import ExportSettings, check_size
from export.stages import map_stages
from export.subject import Subject, load_subject, unit_settings
from export.text_side import TextSide, build_text_side
from export.variants import Graph, VariantFiles, make_variant
from export.vocabulary_file import read_names
from runtime.bundle import Bundle, Manifest, write_bundle
from runtime.errors import MgcaError
from runtime.segmenter import Segmenter
from training.model.clip import IMAGE_MEAN, IMAGE_STD
from training.model.segmenter import TraceableSegmenter

# The words whose labels are compared; a bundle of another vocabulary is measured on its own names.
MOST_PARITY_WORDS = 20
_WORDS_IN_COST = 20


@dataclass(frozen=True)
class _Staged:
    variant: VariantFiles
    bundle: Bundle
    manifest: Manifest


def export_bundles(settings: ExportSettings) -> list[Path]:
    """Export every precision asked for; returns the bundles' folders.

    Nothing that was there before is touched until all variants have passed the parity gate.

    Raises:
        UserError: wrong arguments or inputs (exit code 2).
        MgcaError: a variant under the gate (exit code 1).
    """
    for precision in settings.precisions:
        check_output(_folder(settings, precision), bytes_needed=0)
    names = None if settings.vocabulary is None else read_names(settings.vocabulary)
    frames = _read_frames(settings)
    subject = load_subject(settings)
    size_wh = settings.size_wh or subject.size_wh
    check_size(size_wh, subject.encoder.patch_size)
    needed = _bytes_needed(subject, len(settings.precisions))
    check_output(settings.out, bytes_needed=needed)
    say(f"{subject.model_id} at {size_wh[0]}x{size_wh[1]}, {', '.join(settings.precisions)}")
    parent = nearest_existing_parent(settings.out)
    with tempfile.TemporaryDirectory(prefix=f".{settings.out.name}.export-", dir=parent) as folder:
        return _export(settings, subject, size_wh, names, frames, Path(folder))


def _export(
    settings: ExportSettings,
    subject: Subject,
    size_wh: tuple[int, int],
    names: Sequence[str] | None,
    frames: list[Frame],
    work: Path,
) -> list[Path]:
    text = build_text_side(subject, names or subject.vocabulary, settings, work, show_bar)
    say(f"text: {len(text.vocabulary.names)} names ready, {text.summary}")
    fp32 = trace_segmenter(subject, size_wh, settings.opset, work)
    variants = {
        precision: make_variant(fp32, precision, settings.keep_fp32, work / precision)
        for precision in settings.precisions
    }
    template = manifests.describe(subject, settings, size_wh, fp32, text)
    staged = [_stage(variant, template, text, work) for variant in variants.values()]
    runs: list[ReferenceRun] | None = None
    figures: list[tuple[Parity, Verdict]] = []
    for item in staged:
        with Segmenter.load(item.bundle, "onnxruntime-cpu") as segmenter:
            words = _parity_words(subject, text, frames, names is not None)
            segmenter.set_classes(words, background="none", allow_unknown=True)
            if runs is None:
                runs = run_reference(_reference(subject), frames, segmenter, show_bar)
            parity = measure_parity(
                item.variant.precision, segmenter, item.variant.tapped, runs, show_bar
            )
        verdict = judge(
            parity,
            untrained=subject.untrained or settings.gate == "cosine",
            least_agreement=settings.min_agreement,
        )
        figures.append((parity, verdict))
    print(format_table(*map(list, zip(*figures, strict=True))), flush=True)  # type: ignore[arg-type]
    for parity, verdict in figures:
        if not verdict.passed:
            raise MgcaError(failure_message(parity, verdict))
    return [
        _put_in_place(item, parity, verdict, settings, text)
        for item, (parity, verdict) in zip(staged, figures, strict=True)
    ]


def trace_segmenter(subject: Subject, size_wh: tuple[int, int], opset: int, work: Path) -> Graph:
    """Trace the whole inference graph at one size, fold its constants, print what it costs."""
    module = TraceableSegmenter(subject.model, size_wh, subject.units).eval()  # type: ignore[arg-type]
    width, height = size_wh
    frame = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    text = torch.nn.functional.normalize(
        torch.randn(5, subject.encoder.embedding_width, generator=torch.Generator().manual_seed(0)),
        dim=1,
    )
    say(f"tracing at opset {opset}")
    model = trace_to_onnx(
        module,
        (frame, text),
        work / "traced.onnx",
        inputs=["frame", "text"],
        outputs=["class_scores", "unit_of_pixel", "unit_scores", "pixel_scores"],
        dynamic={"text": {0: torch.export.Dim("K", min=1, max=1024)}},
        opset=opset,
    )
    stages = map_stages(model)
    fold_constants(model)
    graph = Graph(model, stages)
    say_cost(graph)
    return graph


def say_cost(graph: Graph) -> None:
    """Print nodes, weight bytes and FLOPs of each stage, and what is beside the encoder."""
    costs = measure_cost(graph.model, graph.stages, {"K": _WORDS_IN_COST})
    for stage, cost in costs.items():
        say(
            f"  {stage:8} {cost.nodes:5d} nodes {cost.weight_bytes / 2**20:9.2f} MiB weights "
            f"{cost.flops / 1e9:9.3f} GFLOP"
        )
    encoder = costs["encoder"].flops
    beside = sum(cost.flops for stage, cost in costs.items() if stage != "encoder")
    say(
        f"  beside the encoder: {beside / max(encoder, 1):.1%} of its FLOPs "
        f"({_WORDS_IN_COST} words)"
    )


def _reference(subject: Subject) -> ReferenceSegmenter:
    return ReferenceSegmenter(
        subject.clip.visual,
        subject.decoder_weights,
        dense=subject.encoder.mode,
        early_tap=subject.encoder.early_tap,
        units=unit_settings(subject),
        mean=IMAGE_MEAN,
        std=IMAGE_STD,
    )


def _stage(variant: VariantFiles, template: Manifest, text: TextSide, work: Path) -> _Staged:
    manifest = replace(template, precision=variant.precision)
    files: dict[str, bytes | Path] = {"segmenter.onnx": variant.path, **text.files}
    bundle = write_bundle(work / f"bundle-{variant.precision}", manifest, files)
    return _Staged(variant, bundle, manifest)


def _put_in_place(
    item: _Staged, parity: Parity, verdict: Verdict, settings: ExportSettings, text: TextSide
) -> Path:
    figures: Mapping[str, Any] = {
        **parity.to_json(),
        "criterion": verdict.criterion,
        "threshold": verdict.threshold,
        "text_encoder": text.parity,
    }
    manifest = replace(item.manifest, parity=figures)
    folder = _folder(settings, item.variant.precision)
    files: dict[str, bytes | Path] = {
        name: item.bundle.file(name) for name in item.bundle.manifest.files
    }
    write_bundle(folder, manifest, files)
    size = sum(record.bytes for record in item.bundle.manifest.files.values())
    say(f"wrote {folder} ({size / 2**20:.1f} MiB, {item.variant.precision})")
    return folder


def _read_frames(settings: ExportSettings) -> list[Frame]:
    if settings.calibration is not None:
        return read_image_folder(settings.calibration, settings.frames)
    return draw_demo_frames(settings.frames)


def _parity_words(
    subject: Subject, text: TextSide, frames: Sequence[Frame], own_vocabulary: bool
) -> list[str]:
    if any(frame.labels_hw is not None for frame in frames) or not own_vocabulary:
        from training.data.streetworld import CLASS_NAMES

        return list(CLASS_NAMES)
    return list(text.vocabulary.names[:MOST_PARITY_WORDS])


def _folder(settings: ExportSettings, precision: str) -> Path:
    return folder_of_precision(settings.out, precision, settings.precisions)


def _bytes_needed(subject: Subject, precisions: int) -> int:
    """Traced, shipped and tapped graphs, staged and final bundles, each at fp32 size at most."""
    weights = sum(p.numel() * p.element_size() for p in subject.clip.parameters())
    return weights * (2 + 4 * precisions)
