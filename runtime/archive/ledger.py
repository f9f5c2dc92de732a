"""What is finished: records beside the outputs, written last, by which a restart goes on.

A video's outputs lie in a folder of its name, with ``video.json``; its pieces lie below
``.pieces`` until they are joined. A record counts only if it is of the same video (its size and
time), the same bundle, classes and settings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from runtime.archive.cuts import WHOLE, Piece
from runtime.archive.job import Job
from runtime.archive.store import Store
from runtime.archive.videos import Video

VIDEO_RECORD = "video.json"
PIECES = ".pieces"
#: Beside the pieces of a video that cannot be cut.
WHOLE_MARK = "whole.json"
#: Beside those of one that is cut: where.
CUTS = "cuts.json"
_RECORD = re.compile(r"[0-9]{6,}\.json")

__all__ = ["PIECES", "VIDEO_RECORD", "Ledger"]


class Ledger:
    """The records of one job's output folder."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.store = Store(job.out)

    def key(self, video: Video) -> str:
        """Of what makes records of the video count."""
        return video.key(self.job.digest)

    def video_record(self, video: Video) -> dict[str, Any] | None:
        """The record of a video that is finished, else None."""
        record = self.store.read_record(f"{video.name}/{VIDEO_RECORD}")
        return record if record is not None and record.get("key") == self.key(video) else None

    def pieces_folder(self, video: Video) -> str:
        """Where the pieces of the video lie, for this job's settings."""
        return f"{PIECES}/{video.name}/{self.key(video)}"

    def piece_name(self, video: Video, piece: Piece, ending: str) -> str:
        """The name of one file of a piece."""
        return f"{self.pieces_folder(video)}/{piece.number:06d}{ending}"

    def piece_record(self, video: Video, piece: Piece) -> dict[str, Any] | None:
        """The record of a piece that is finished, else None; its cuts must be the same."""
        record = self.store.read_record(self.piece_name(video, piece, ".json"))
        return record if record is not None and record.get("piece") == piece.record() else None

    def write_cuts(self, video: Video, pieces: Sequence[Piece]) -> None:
        """Note where a video is cut."""
        record = {"pieces": [piece.record() for piece in pieces]}
        self.store.write_record(f"{self.pieces_folder(video)}/{CUTS}", record)

    def finished_pieces(self, video: Video, of: int) -> dict[Piece, dict[str, Any]] | None:
        """The record of each piece in order, None if one of them is not finished.

        Args:
            video: the video.
            of: how many pieces it has.
        """
        folder = self.pieces_folder(video)
        there = sum(bool(_RECORD.fullmatch(name)) for name in self.store.names_in(folder))
        if there < of:
            return None
        pieces = [WHOLE]
        if of > 1:
            cuts = self.store.read_record(f"{folder}/{CUTS}") or {"pieces": []}
            pieces = [Piece(**one) for one in cuts["pieces"]]
        found = {piece: self.piece_record(video, piece) for piece in pieces}
        records = {piece: record for piece, record in found.items() if record is not None}
        return records if len(records) == of else None

    def is_whole(self, video: Video) -> bool:
        """Whether the video was found not to be one that can be cut."""
        return self.store.read_record(f"{self.pieces_folder(video)}/{WHOLE_MARK}") is not None

    def keep_whole(self, video: Video, reason: str) -> None:
        """Note that the video is not to be cut, and forget the pieces it had."""
        self.store.remove_folder(self.pieces_folder(video))
        self.store.write_record(f"{self.pieces_folder(video)}/{WHOLE_MARK}", {"reason": reason})

    def remove_pieces(self, video: Video) -> None:
        """Remove the pieces of the video, those of other settings included."""
        self.store.remove_folder(f"{PIECES}/{video.name}")
