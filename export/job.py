"""One export from beginning to end: load, trace, write beside, measure, judge, put in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from export.graph.segmenter import say_cost, trace_segmenter
from export.output import manifests
from export.output.disk_space import WeightSizes, bytes_needed, tell_full_disk
from export.output.folder import check_output, folder_of_precision, work_folder
from export.parity.bench import Bench, Candidate
from export.parity.frames import Frame, draw_demo_frames, read_image_folder
from export.parity.gate import failure_message, format_table
from export.parity.reference import ReferenceSegmenter
from export.precision.variants import check_kept_stages
from export.progress import say, show_bar
from export.settings import ExportSettings, check_size
from export.source import Subject, load_subject, streetworld_classes, unit_settings
from export.targets.triton import check_repository
from export.text.files import TextSide, build_text_side
from export.text.vocabulary_file import read_names
from runtime.bundle import write_bundle
from runtime.errors import MgcaError
from training.model.clip import IMAGE_MEAN, IMAGE_STD

# How many names of a vocabulary of the user's own are compared.
MOST_PARITY_WORDS = 20
_LEFT_OF_TABLE = {"fp32": 1.0, "fp16": 0.5, "int8": 0.3}
# The parts of a bundle that grow neither with the weights nor with the names: the tokenizer.
_OTHER_BYTES = 4 * 2**20


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
    subject = load_subject(settings)
    size_wh = settings.size_wh or subject.size_wh
    check_size(size_wh, subject.encoder.patch_size)
    if settings.devices.triton is not None:
        check_repository(settings.devices.triton, subject.model_id, settings.precisions)
    stored = _stored_names(names, subject)
    needed = _bytes_needed(subject, settings, len(stored))
    check_output(settings.out, bytes_needed=needed)
    say(f"{subject.model_id} at {size_wh[0]}x{size_wh[1]}, {', '.join(settings.precisions)}")
    frames = images or draw_demo_frames(settings.frames, show_bar)
    with tell_full_disk(settings.out), work_folder(settings.out) as work:
        bench = _set_up(settings, subject, size_wh, names, frames, work)
        candidates = [bench.build(precision) for precision in settings.precisions]
        _judge(candidates)
        return [_put_in_place(candidate, settings) for candidate in candidates]


def _set_up(
    settings: ExportSettings,
    subject: Subject,
    size_wh: tuple[int, int],
    names: Sequence[str] | None,
    frames: Sequence[Frame],
    work: Path,
) -> Bench:
    text = build_text_side(subject, _stored_names(names, subject), settings, work, show_bar)
    words = _parity_words(text, frames, names)
    if words != streetworld_classes():
        # The demo scene's truth counts classes that these words are not.
        frames = [replace(frame, labels_hw=None) for frame in frames]
    fp32 = trace_segmenter(
        subject.model, subject.units, size_wh, settings.opset, work, space=subject.unit_space
    )
    check_kept_stages(fp32, settings.keep_fp32, settings.precisions)
    say_cost(fp32)
    return Bench(
        settings=settings,
        fp32=fp32,
        template=manifests.describe(subject, size_wh, fp32, text),
        text=text,
        reference=_reference(subject),
        frames=frames,
        words=words,
        untrained=subject.untrained or settings.gate == "cosine",
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
    staged, precision = candidate.bundle, candidate.parity.precision
    folder = _folder(settings, precision)
    files = {name: staged.file(name) for name in staged.manifest.files}
    write_bundle(folder, replace(staged.manifest, parity=candidate.figures), files, moved=files)
    size = sum(record.bytes for record in staged.manifest.files.values())
    say(f"wrote {folder} ({size / 2**20:.1f} MiB, {precision})")
    return folder


def _reference(subject: Subject) -> ReferenceSegmenter:
    space = subject.unit_space
    return ReferenceSegmenter(
        subject.clip.visual,
        subject.decoder_weights,
        dense=subject.encoder.mode,
        early_tap=subject.encoder.early_block,
        units=unit_settings(subject),
        unit_space=None if space is None else (space.center_d, space.projection_dr),
        mean=IMAGE_MEAN,
        std=IMAGE_STD,
    )


def _stored_names(names: Sequence[str] | None, subject: Subject) -> list[str]:
    """The names to store ready encoded: the user's or the subject's, and the background's.

    Without the background's, every start would encode them, and a bundle without the text encoder
    could not start with the runtime's own ``--background auto``.
    """
    return list(dict.fromkeys((*(names or subject.vocabulary), *subject.background_words)))


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


def _bytes_needed(subject: Subject, settings: ExportSettings, names: int) -> int:
    """Every bundle, and beside them what is being traced, quantised or measured."""
    decoder: nn.Module = subject.model.decoder  # type: ignore[assignment]
    sees = _parameters(subject.encoder) | _parameters(decoder)
    reads = _parameters(subject.clip)
    table = subject.clip.token_embedding.weight
    left_of_table = _LEFT_OF_TABLE[settings.token_table] if settings.text_encoder else 0.0
    sizes = WeightSizes(
        seeing=_bytes_of(sees),
        reading=_bytes_of(reads - sees - {table}) if settings.text_encoder else 0,
        table=round(_bytes_of({table}) * left_of_table),
        others=names * subject.encoder.embedding_width * 4 + _OTHER_BYTES,
    )
    keeps_fp32 = bool(settings.keep_fp32) or settings.auto_fallback
    return bytes_needed(sizes, settings.precisions, keeps_fp32=keeps_fp32)


def _parameters(module: nn.Module) -> set[nn.Parameter]:
    return set(module.parameters())


def _bytes_of(parameters: set[nn.Parameter]) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in parameters)
