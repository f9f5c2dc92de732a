"""One piece of a video as a source: exactly those pictures, with their numbers and times."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

from runtime.archive.cuts import SEAM_FRAMES, Piece
from runtime.archive.videos import ArchiveFile, Video
from runtime.errors import MgcaError
from runtime.sources.decoding import DecodedPicture, Decoder
from runtime.sources.frame import Frame, Source, frame_stem
from runtime.sources.video_stream import find_video_stream

#: Seconds further back that are tried where seeking lands behind the key frame; then the beginning.
STEPS_BACK_S = (0.0, 2.0, 20.0)

__all__ = ["CannotBeCutError", "PieceVideo"]


class CannotBeCutError(MgcaError):
    """The video gives other pictures in pieces than in one go: it is to be labelled whole."""


class PieceVideo(Source):
    """The pictures of one piece, as :class:`~runtime.sources.video.VideoFile` would number them.

    Attributes:
        begin_digest: of the pixels of its first pictures, as many as a seam has.
        size_wh: width and height of its pictures, once one is decoded.
        next_digest: of those of the next piece, as they are decoded in one go with this one.
    """

    kind = "video"

    def __init__(self, video: Video, piece: Piece, threads: int) -> None:
        self._file = ArchiveFile(video)
        super().__init__(self._file.name)
        self.piece = piece
        self.fps = piece.fps
        self.frame_count = piece.frames
        self.begin_digest = self.next_digest = ""
        self.size_wh: tuple[int, int] | None = None
        self._threads = threads
        self._start_s = 0.0
        self._container: Any = None

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """The piece's pictures; see :meth:`Source.frames`.

        Raises:
            CannotBeCutError: they are others than the packets foretold.
        """
        count = 0
        begin = hashlib.sha256()
        for picture in self._pictures():
            if stop.is_set():
                return
            frame = self._frame(picture, count)
            if self.size_wh not in (None, frame.size_wh):
                raise CannotBeCutError(f"{self.name} changes its size")
            self.size_wh = frame.size_wh
            if count < SEAM_FRAMES:
                begin.update(picture.image_bgr.tobytes())
            count += 1
            yield frame
        self.begin_digest = begin.hexdigest()
        if count != self.piece.frames:
            raise CannotBeCutError(
                f"{self.name}: piece {self.piece.number} gave {count} pictures, not "
                f"{self.piece.frames}"
            )

    def _pictures(self) -> Iterator[DecodedPicture]:
        """From the key frame's stamp on until before the end's, in order."""
        decoder, unit = self._open()
        begin_s, end_s = (
            None if stamp is None else float(stamp * unit)
            for stamp in (self.piece.key_pts, self.piece.end_pts)
        )
        last_s, seam, beyond = None, hashlib.sha256(), 0
        for picture in decoder.pictures():
            if picture.pts_s is None or decoder.damaged:
                raise CannotBeCutError(f"{self.name} is damaged, or has pictures without a stamp")
            if begin_s is not None and picture.pts_s < begin_s:
                continue  # of an open group: the piece before has it
            if last_s is not None and picture.pts_s <= last_s:
                raise CannotBeCutError(f"{self.name} shows its pictures out of order")
            last_s = picture.pts_s
            if end_s is None or picture.pts_s < end_s:
                yield picture
                continue
            seam.update(picture.image_bgr.tobytes())
            beyond += 1
            if beyond == self.piece.seam_frames:
                break
        self.next_digest = seam.hexdigest()

    def _open(self) -> tuple[Decoder, Any]:
        """A decoder that begins at the piece's key frame, and the unit of its stamps."""
        container = self._container = self._file.open_file()
        stream = find_video_stream(container, self.name)
        stream.codec_context.thread_count = self._threads
        decoder = Decoder(container, stream, live=False, on_packet=self.on_life)
        assert self.piece.start_pts is not None
        self._start_s = float(self.piece.start_pts * stream.time_base)
        self.pixel_aspect = decoder.pixel_aspect
        if self.piece.key_pts is not None:
            decoder.begin_at(self._packets_from_key(container, stream))
        return decoder, stream.time_base

    def _packets_from_key(self, container: Any, stream: Any) -> Iterator[Any]:
        """The packets from the piece's key frame on."""
        import av

        piece = self.piece
        assert piece.key_pts is not None
        stamp = piece.key_pts if piece.key_dts is None else min(piece.key_pts, piece.key_dts)
        first = (stream.start_time or 0) - round(STEPS_BACK_S[-1] / stream.time_base)
        steps = [round(step_s / stream.time_base) for step_s in STEPS_BACK_S]
        with suppress(av.error.FFmpegError):  # it cannot be moved in
            for at in [*(stamp - step for step in steps), first]:
                container.seek(at, stream=stream, backward=True, any_frame=False)
                packets = container.demux(stream)
                key = self._find_key(packets)
                if key is not None:
                    return chain([key], packets)
        raise CannotBeCutError(f"{self.name}: the key frame at {piece.key_pts} is not found again")

    def _find_key(self, packets: Iterator[Any]) -> Any:
        """The piece's key frame among packets, None if they begin behind it."""
        dts = self.piece.key_dts
        for packet in packets:
            if packet.is_keyframe and packet.pts == self.piece.key_pts:
                return packet
            if dts is not None and packet.dts is not None and packet.dts > dts:
                return None
        return None

    def _frame(self, picture: DecodedPicture, count: int) -> Frame:
        index = self.piece.first_frame + count
        assert picture.pts_s is not None
        return Frame(
            index,
            picture.pts_s - self._start_s,
            picture.image_bgr,
            frame_stem(index),
            picture.capture_ms,
            picture.captured_at,
            picture.pixel_aspect,
        )

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
            self._container = None
