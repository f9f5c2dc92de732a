"""Labelling one piece: the stream of ``mgca-rt`` on the piece's pictures, its files, its record."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.archive.cuts import WHOLE, Piece
from runtime.archive.job import Job
from runtime.archive.ledger import Ledger
from runtime.archive.piece_video import PieceVideo
from runtime.archive.records import AreaTable, MaskLines
from runtime.archive.scratch import scratch_folder
from runtime.archive.videos import ArchiveFile, Video
from runtime.cli.opening import describe_facts
from runtime.errors import MgcaError
from runtime.sinks.base import Sink
from runtime.sinks.label_video import LabelVideo
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream

if TYPE_CHECKING:
    from runtime.segment.segmenter import Segmenter
    from runtime.segment.smoothing import TemporalSmoother

AREAS, STATE = ".parquet", ".state"
#: What a piece's masks are written to, by the flag's value; one that changes its size has more.
MASKS = {"video": ".mkv", "rle": ".jsonl"}

__all__ = ["AREAS", "MASKS", "label_piece"]


def label_piece(segmenter: Segmenter, ledger: Ledger, video: Video, piece: Piece) -> dict[str, Any]:
    """Label one piece, and write its files, then its record; gives that.

    With smoothing, the piece before must be finished: its last state is where this one begins.

    Raises:
        CannotBeCutError: the video is to be labelled whole.
        MgcaError: it cannot be read, labelled or written.
    """
    with scratch_folder() as scratch:
        return _label(segmenter, ledger, video, piece, scratch)


def _label(
    segmenter: Segmenter, ledger: Ledger, video: Video, piece: Piece, scratch: Path
) -> dict[str, Any]:
    began_s = time.perf_counter()
    job = ledger.job
    smoother = segmenter.smoother = _make_smoother(segmenter, ledger, video, piece, scratch)
    source = _open_source(video, piece, job)
    areas = AreaTable()
    masks = _make_masks(job, scratch, segmenter)
    stream = Stream(source, segmenter, [*masks, areas], every=job.labels.every, strict=True)
    try:
        source.open()
        Pipeline([stream], strict=True).run()
    finally:
        source.close()
    areas.save(scratch / f"areas{AREAS}", job.class_names)
    files = [(AREAS, scratch / f"areas{AREAS}")]
    files += [(path.name[len("masks") :], path) for path in sorted(scratch.glob("masks*"))]
    if smoother is not None and piece.number + 1 < piece.of:
        files.append((STATE, _save_state(smoother, scratch)))
    for ending, path in files:
        ledger.store.put(ledger.piece_name(video, piece, ending), path)
    seconds = time.perf_counter() - began_s
    record = {
        "piece": piece.record(),
        "frames_in": stream.statistics.frames_in,
        "frames": stream.statistics.frames_processed,
        "seconds": round(seconds, 3),
        "files": [ending for ending, _ in files if ending != STATE],
        "backend": segmenter.backend.name,
        "losses": source.losses if isinstance(source, ArchiveFile) else [],
    }
    if isinstance(source, PieceVideo):
        record |= {"begins": source.begin_digest, "next_begins": source.next_digest}
        record["size_wh"] = list(source.size_wh or ())
    ledger.store.write_record(ledger.piece_name(video, piece, ".json"), record)
    return record


def _open_source(video: Video, piece: Piece, job: Job) -> ArchiveFile | PieceVideo:
    if piece == WHOLE:
        return ArchiveFile(video)
    return PieceVideo(video, piece, job.model.threads)


def _make_masks(job: Job, scratch: Path, segmenter: Segmenter) -> list[Sink]:
    if job.labels.masks == "none":
        return []
    path = scratch / f"masks{MASKS[job.labels.masks]}"
    sink: Sink = LabelVideo(str(path)) if job.labels.masks == "video" else MaskLines(path)
    sink.prepare(describe_facts(segmenter, ""))
    return [sink]


def _make_smoother(
    segmenter: Segmenter, ledger: Ledger, video: Video, piece: Piece, scratch: Path
) -> TemporalSmoother | None:
    """What steadies the piece's masks, as it was at the end of the piece before."""
    from safetensors.numpy import load_file

    from runtime.segment.smoothing import TemporalSmoother

    seconds = ledger.job.labels.smooth_s
    if not seconds:
        return None
    smoother = TemporalSmoother(seconds)
    if piece.number:
        before = ledger.pieces_folder(video) + f"/{piece.number - 1:06d}{STATE}"
        try:
            path = ledger.store.fetch(before, scratch / "before")
        except OSError as error:
            raise MgcaError(f"{before} cannot be read ({error.strerror or error})") from None
        assert segmenter.classes is not None
        smoother.resume(load_file(path), segmenter.classes)
    return smoother


def _save_state(smoother: TemporalSmoother, scratch: Path) -> Path:
    from safetensors.numpy import save_file

    path = scratch / "after"
    save_file(smoother.state(), path)
    return path
