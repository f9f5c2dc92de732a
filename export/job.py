"""One export from beginning to end: load, trace, write beside, measure, judge, put in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from export.activations import check_activation
from export.candidates import Candidate, CandidateBuilder
from export.fit import check_fit
from export.graph.segmenter import say_cost, trace_segmenter
from export.output import manifests
from export.output.disk_space import bytes_needed, tell_full_disk
from export.output.folder import check_output, folder_of_precision, work_folder
from export.output.weight_sizes import measure_weights
from export.parity.frames import Frame, draw_demo_frames, read_image_folder
from export.parity.gate import failure_message, format_table
from export.parity.reference import ReferenceSegmenter
from export.parity.reference_trunk import TrunkReference
from export.precision.variants import check_kept_stages
from export.progress import say, show_bar
from export.settings import ExportSettings, check_size, choose_sliding
from export.source import ExportSource, load_source, streetworld_classes
from export.targets.triton import check_repository
from export.text.files import TextSide, build_text_side
from export.text.vocabulary_file import read_names
from runtime.bundle import write_bundle
from runtime.errors import MgcaError
from training.model.clip import IMAGE_MEAN, IMAGE_STD
from training.model.sliding import Sliding
from training.model.towers.pair import TowerPair

# How many names of a vocabulary of the user's own are compared.
MOST_PARITY_WORDS = 20


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
    images = None
    if settings.calibration is not None:
        images = read_image_folder(settings.calibration, settings.frames)
    if settings.training_free:
        check_fit(settings)
    source = load_source(settings)
    size_wh = settings.size_wh or source.size_wh
    check_size(size_wh, source.encoder.patch_size)
    sliding = choose_sliding(settings, size_wh, source.encoder.patch_size)
    if settings.devices.triton is not None:
        check_repository(settings.devices.triton, source.model_id, settings.precisions)
    stored = _stored_names(names, source)
    sizes = measure_weights(source, settings.token_table, len(stored))
    keeps_fp32 = bool(settings.keep_fp32) or settings.auto_fallback
    needed = bytes_needed(sizes, settings.precisions, keeps_fp32=keeps_fp32)
    check_output(settings.out, bytes_needed=needed)
    seen = "" if sliding is None else f", {sliding.count} windows"
    say(f"{source.model_id} at {size_wh[0]}x{size_wh[1]}{seen}, {', '.join(settings.precisions)}")
    frames = images or draw_demo_frames(settings.frames, show_bar)
    with tell_full_disk(settings.out), work_folder(settings.out) as work:
        builder = _set_up(settings, source, size_wh, sliding, names, frames, work)
        candidates = [builder.build(precision) for precision in settings.precisions]
        _judge(candidates)
        return [_put_in_place(candidate, settings) for candidate in candidates]


def _set_up(
    settings: ExportSettings,
    source: ExportSource,
    size_wh: tuple[int, int],
    sliding: Sliding | None,
    names: Sequence[str] | None,
    frames: Sequence[Frame],
    work: Path,
) -> CandidateBuilder:
    text = build_text_side(
        source.text_tower,
        _stored_names(names, source),
        source.templates.prompts,
        source.text_center,
        mean_first=source.templates.mean_first,
        token_table=settings.token_table,
        opset=settings.opset,
        work=work,
        progress=show_bar,
    )
    words = _parity_words(text, frames, names)
    if words != streetworld_classes():
        # The demo scene's truth counts classes that these words are not.
        frames = [replace(frame, labels_hw=None) for frame in frames]
    fp32 = trace_segmenter(
        source.model,
        source.units,
        size_wh,
        settings.opset,
        work,
        space=source.unit_space,
        sliding=sliding,
        pixels=source.pixels,
        pamr=source.pamr,
    )
    check_activation(source, fp32, None if text.tower.is_sentence else text.encoder)
    check_kept_stages(fp32, settings.keep_fp32, settings.precisions)
    say_cost(fp32)
    return CandidateBuilder(
        settings=settings,
        fp32=fp32,
        template=manifests.describe(source, size_wh, fp32, text, sliding),
        text=text,
        reference=_reference(source, sliding),
        frames=frames,
        words=words,
        untrained=source.untrained or settings.gate == "cosine",
        work=work,
    )


def _judge(candidates: Sequence[Candidate]) -> None:
    parities = [candidate.parity for candidate in candidates]
    verdicts = [candidate.verdict for candidate in candidates]
    print(format_table(parities, verdicts), flush=True)
    for candidate in candidates:
        if not candidate.verdict.passed:
            raise MgcaError(
                failure_message(
                    candidate.parity,
                    candidate.verdict,
                    candidate.kept_fp32,
                    candidate.next_to_keep,
                )
            )


def _put_in_place(candidate: Candidate, settings: ExportSettings) -> Path:
    built, precision = candidate.bundle, candidate.parity.precision
    folder = _folder(settings, precision)
    files = {name: built.file(name) for name in built.manifest.files}
    write_bundle(folder, replace(built.manifest, parity=candidate.figures), files, moved=files)
    size = sum(record.bytes for record in built.manifest.files.values())
    say(f"wrote {folder} ({size / 2**20:.1f} MiB, {precision})")
    return folder


def _reference(source: ExportSource, sliding: Sliding | None) -> ReferenceSegmenter:
    space = source.unit_space
    return ReferenceSegmenter(
        _seeing(source),
        source.decoder_weights,
        dense=source.encoder.mode,
        early_block=source.encoder.early_block,
        pooled_blocks=source.encoder.pooled_blocks,
        position_resize=getattr(source.encoder, "position_resize", "size"),
        units=source.unit_values,
        unit_space=None if space is None else (space.center_d, space.projection_dr),
        mean=source.pixels.mean,
        std=source.pixels.std,
        windows=None if sliding is None else (*sliding.crop_wh, sliding.stride),
    )


def _seeing(source: ExportSource) -> nn.Module | TrunkReference:
    """What the reference reads the image side's weights from."""
    if not isinstance(source.clip, TowerPair):
        return source.clip.visual  # type: ignore[no-any-return]
    trunk, classes = source.clip.visual, source.clip.classes
    return TrunkReference(
        net=trunk.net,
        stages=trunk.stage_names,
        mean=trunk.own_mean,
        std=trunk.own_std,
        clip_mean=IMAGE_MEAN,
        clip_std=IMAGE_STD,
        projection_cr=None if classes is None else classes.projection_cr,
        class_weight=source.model.decoder.class_weight,  # type: ignore[union-attr, arg-type]
    )


def _stored_names(names: Sequence[str] | None, source: ExportSource) -> list[str]:
    """The names to store ready encoded: the user's or the source's, and the background's.

    Without the background's, every start would encode them, and a bundle without the text encoder
    could not start with the runtime's own ``--background auto``.
    """
    return list(dict.fromkeys((*(names or source.vocabulary), *source.background_words)))


def _parity_words(
    text: TextSide, frames: Sequence[Frame], names: Sequence[str] | None
) -> list[str]:
    """The words to compare labels for: those of the frames' truth, else a vocabulary's own.

    Args:
        text: the text side; without its encoder only stored names can be asked for.
        frames: the frames to compare on.
        names: the user's own vocabulary, or None.
    """
    classes = streetworld_classes()
    usable = text.encoder is not None or set(classes) <= set(text.vocabulary.names)
    with_truth = any(frame.labels_hw is not None for frame in frames)
    if usable and (with_truth or names is None):
        return classes
    return list(names or text.vocabulary.names)[:MOST_PARITY_WORDS]


def _folder(settings: ExportSettings, precision: str) -> Path:
    return folder_of_precision(settings.out, precision, settings.precisions)
