"""Joining a video's pieces: packets and rows one after another, nothing encoded again."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from runtime.archive.cuts import Piece
from runtime.archive.ledger import VIDEO_RECORD, Ledger
from runtime.archive.piece import AREAS, MASKS
from runtime.archive.piece_video import CannotBeCutError
from runtime.archive.records import area_schema
from runtime.archive.scratch import scratch_folder
from runtime.archive.videos import Video
from runtime.errors import MgcaError
from runtime.sinks.label_video import TAG

__all__ = ["AREA_FILE", "MASK_STEMS", "join_label_videos", "join_video"]

AREA_FILE = "areas.parquet"
#: The joined masks' name without its ending, by that of a piece's.
MASK_STEMS = {".mkv": "labels", ".jsonl": "masks"}


def join_video(ledger: Ledger, video: Video, of: int) -> dict[str, Any] | None:
    """Put a video's outputs together if all of its pieces are finished; gives its record.

    None where pieces are missing. Two workers may do it at one time: both write the same.

    Args:
        ledger: what is finished.
        video: the video.
        of: how many pieces it has.

    Raises:
        CannotBeCutError: two pieces do not fit together.
        MgcaError: an output cannot be written.
    """
    found = ledger.finished_pieces(video, of)
    if found is None:  # another worker was quicker, or it is not time yet
        return ledger.video_record(video)
    pieces, records = list(found), list(found.values())
    _check_seams(video, records)
    try:
        with scratch_folder() as scratch:
            outputs = _join_files(ledger, video, pieces, records, scratch)
    except FileNotFoundError:
        finished = ledger.video_record(video)
        if finished is None:
            raise MgcaError(f"{video.name}: the files of its pieces are gone; run again") from None
        return finished
    summary = {
        "video": video.name,
        "key": ledger.key(video),
        **ledger.job.settings(),
        "frames_in": sum(record["frames_in"] for record in records),
        "frames": sum(record["frames"] for record in records),
        "seconds": round(sum(record["seconds"] for record in records), 3),
        "pieces": len(pieces),
        "backends": sorted({record["backend"] for record in records}),
        "losses": [loss for record in records for loss in record["losses"]],
        "outputs": outputs,
    }
    ledger.store.write_record(f"{video.name}/{VIDEO_RECORD}", summary)
    ledger.remove_pieces(video)
    return summary


def _check_seams(video: Video, records: Sequence[dict[str, Any]]) -> None:
    """Pictures at a seam must be the same from both sides, and one size throughout."""
    for number, (before, after) in enumerate(pairwise(records), 1):
        if before["next_begins"] != after["begins"]:
            raise CannotBeCutError(
                f"{video.name}: piece {number} begins with other pictures than in one go"
            )
    if len(records) > 1 and any(one["size_wh"] != records[0]["size_wh"] for one in records):
        raise CannotBeCutError(f"{video.name} changes its size")


def _join_files(
    ledger: Ledger,
    video: Video,
    pieces: Sequence[Piece],
    records: Sequence[dict[str, Any]],
    scratch: Path,
) -> list[str]:
    """Write every output of the video; gives their names."""

    def fetch(ending: str) -> list[Path]:
        return [
            ledger.store.fetch(
                ledger.piece_name(video, piece, ending), scratch / f"{piece.number}{ending}"
            )
            for piece, record in zip(pieces, records, strict=True)
            if ending in record["files"]
        ]

    outputs = []
    for ending in sorted({one for record in records for one in record["files"]}):
        joined = scratch / f"joined{ending}"
        parts = fetch(ending)
        if ending == AREAS:
            name = AREA_FILE
            _join_areas(parts, joined, ledger.job.class_names)
        else:
            suffix = Path(ending).suffix or ending
            name = MASK_STEMS[suffix] + ending
            join = join_label_videos if suffix == MASKS["video"] else _join_lines
            join(parts, joined)
        ledger.store.put(f"{video.name}/{name}", joined)
        outputs.append(name)
        for path in parts:
            path.unlink()
    return outputs


def _join_lines(parts: Sequence[Path], joined: Path) -> None:
    with joined.open("wb") as out:
        for path in parts:
            out.write(path.read_bytes())


def _join_areas(parts: Sequence[Path], joined: Path, class_names: Sequence[str]) -> None:
    """One row group a piece would make it depend on the cuts: all rows are one table."""
    import pyarrow as pa
    from pyarrow import parquet

    tables = [parquet.read_table(path) for path in parts]
    whole = pa.concat_tables([area_schema(class_names).empty_table(), *tables])
    parquet.write_table(whole.combine_chunks(), joined)


def join_label_videos(parts: Sequence[Path], joined: Path, tag: str | None = None) -> None:
    """Copy the packets of label videos into one, with the first one's tag.

    The file is the same for the same labels, however they were cut: Matroska's random numbers are
    left out.

    Args:
        parts: label videos of one size, in order, their times those of the whole video.
        joined: the file to write.
        tag: what its values mean, instead of what the first one says.
    """
    import av

    with av.open(str(parts[0])) as first:
        tag = tag or first.metadata[TAG]
    last = -1
    options = {"fflags": "+bitexact"}
    with av.open(str(joined), "w", format="matroska", options=options) as out:
        out.metadata[TAG] = tag
        stream: Any = None
        for path in parts:
            with av.open(str(path)) as part:
                if stream is None:
                    stream = _like(out, part.streams.video[0])
                for packet in part.demux(part.streams.video[0]):
                    if not packet.size:
                        continue
                    assert packet.pts is not None and packet.time_base == Fraction(1, 1000)
                    last = packet.pts = packet.dts = max(last + 1, packet.pts)
                    packet.stream = stream
                    out.mux(packet)


def _like(out: Any, template: Any) -> Any:
    """A stream of the same codec, size and shape."""
    if hasattr(out, "add_stream_from_template"):
        return out.add_stream_from_template(template)
    return out.add_stream(template=template)  # before PyAV 14
