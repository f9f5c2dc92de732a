"""The actor that labels: one loaded model, pieces one after another."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runtime.archive.cuts import WHOLE, Piece, find_pieces
from runtime.archive.job import Job
from runtime.archive.join import join_video
from runtime.archive.ledger import Ledger
from runtime.archive.piece import label_piece
from runtime.archive.piece_video import CannotBeCutError
from runtime.archive.scratch import remove_left_behind
from runtime.archive.videos import ArchiveFile, Video
from runtime.errors import MgcaError, UserError, describe_error

if TYPE_CHECKING:
    from runtime.segment.model import Model
    from runtime.segment.segmenter import Segmenter

__all__ = ["ArchiveWorker", "cut_video"]

Row = dict[str, Any]


def cut_video(row: Row, job: Job) -> list[Row]:
    """The rows of work that a video is: pieces to be labelled in order by one worker.

    Without smoothing each piece is a row. With it a piece begins where the one before ended, so
    that all are one row. A video that cannot be opened is a row, too: its worker says why.

    Args:
        row: ``video``, a :class:`Video`'s record as JSON.
        job: what is done.

    Returns:
        ``video`` and ``pieces`` (those of the row), as JSON each.
    """
    video, ledger = Video(**json.loads(row["video"])), Ledger(job)
    pieces = [WHOLE]
    if not ledger.is_whole(video):
        pieces = _cut(video, job.piece_s)
    if len(pieces) > 1:
        ledger.write_cuts(video, pieces)
    records = [piece.record() for piece in pieces]
    rows = [records] if job.labels.smooth_s else [[record] for record in records]
    return [{"video": row["video"], "pieces": json.dumps(own)} for own in rows]


def _cut(video: Video, piece_s: float) -> list[Piece]:
    """The pieces of a video; of what cannot be read, one."""
    from runtime.sources.video_stream import find_video_stream

    try:
        with ArchiveFile(video).open_file() as container:
            return find_pieces(container, find_video_stream(container, video.name), piece_s)
    except Exception:  # whatever it is, labelling meets it again and tells it
        return [WHOLE]


class ArchiveWorker:
    """Labels rows of :func:`cut_video`; an actor of Ray Data's, one model each.

    Nothing that is wrong with a video raises: it stands in the row that comes back.

    Args:
        job: what is done.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.ledger = Ledger(job)
        self._model: Model | None = None
        self._segmenter: Segmenter | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Label a batch of rows; gives a JSON record for each (see :meth:`label_row`)."""
        records = []
        for video, listed in zip(batch["video"], batch["pieces"], strict=True):
            pieces = [Piece(**one) for one in json.loads(listed)]
            records.append(self.label_row(Video(**json.loads(video)), pieces))
        return {"record": [json.dumps(record) for record in records]}

    def label_row(self, video: Video, pieces: Sequence[Piece]) -> Row:
        """Label some pieces of a video, in order, and join all of them if these were the last.

        Returns:
            ``video`` (its name), ``frames`` labelled here, when that ``began_s`` and ``ended_s`` (a
            moment in seconds since 1970, the model loaded), the processor time ``cpu_s`` that it
            took, and one of ``finished`` (the video's record, None while pieces are missing),
            ``cannot_be_cut`` (why), ``failed`` (why; with ``trace``), ``fatal`` (why no video at
            all can be labelled).
        """
        row: Row = {"video": video.name, "frames": 0}
        try:
            segmenter = self._open()
        except UserError as error:
            return row | {"fatal": str(error)}
        row["began_s"] = time.time()
        cpu_s = time.process_time()
        try:
            finished = self.ledger.video_record(video)
            if finished is not None:  # its last worker died when all was done
                return row | {"finished": finished}
            for piece in pieces:
                if self.ledger.piece_record(video, piece) is None:
                    done = label_piece(segmenter, self.ledger, video, piece)
                    row["frames"] += done["frames"]
            row["ended_s"] = time.time()
            row["cpu_s"] = time.process_time() - cpu_s
            return row | {"finished": join_video(self.ledger, video, pieces[0].of)}
        except CannotBeCutError as error:
            self.ledger.keep_whole(video, str(error))
            return row | {"cannot_be_cut": str(error)}
        except MgcaError as error:
            return row | {"failed": str(error)}
        except Exception as error:  # one video's fault must not end those of the others
            return row | {"failed": describe_error(error), "trace": traceback.format_exc()}

    def _open(self) -> Segmenter:
        """The segmenter, its model loaded at the first use."""
        if self._segmenter is None:
            from runtime.cli.config import RunningConfig
            from runtime.cli.opening import load_model, make_segmenter
            from runtime.heap import limit_arenas

            limit_arenas()
            remove_left_behind()
            how = self.job.model
            self._model = load_model(
                RunningConfig(
                    bundle=how.bundle,
                    backend=how.backend,
                    force_backend=how.force_backend,
                    threads=how.threads,
                )
            )
            if self._model.bundle.id != self.job.bundle_id:
                raise UserError(
                    f"--bundle {how.bundle} is {self._model.bundle.id} on a worker, "
                    f"{self.job.bundle_id} where the run began; put the same on every node"
                )
            self._segmenter = make_segmenter(
                self._model, self.job.words, list(self.job.classes), wording=self.job.wording
            )
        return self._segmenter
