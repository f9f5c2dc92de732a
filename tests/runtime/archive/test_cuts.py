"""Pieces of a video: together they are what the video gives in one go, however it is encoded."""

from __future__ import annotations

import hashlib
import threading
from itertools import pairwise
from pathlib import Path

import av
import pytest

from runtime.archive.cuts import WHOLE, Piece, find_pieces
from runtime.archive.piece_video import CannotBeCutError, PieceVideo
from runtime.archive.videos import Video
from runtime.sources import VideoFile
from runtime.sources.frame import Source
from runtime.sources.video_stream import find_video_stream
from tests.support.archives import GROUPS, Group, draw_frames, write_group
from tests.support.clips import write_clip

OPEN = GROUPS[1]


def seen(source: Source) -> list[tuple[int, float, str, str]]:
    """Number, time, name and pixels of each frame."""
    try:
        source.open()
        return [
            (one.index, one.time_s, one.stem, hashlib.sha256(one.image_bgr).hexdigest())
            for one in source.frames(threading.Event())
        ]
    finally:
        source.close()


def cut(path: Path, piece_s: float = 1.0) -> list[Piece]:
    with av.open(str(path)) as container:
        return find_pieces(container, find_video_stream(container, str(path)), piece_s)


def video_of(path: Path) -> Video:
    return Video(path.name, str(path.parent), path.name, "")


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name + group.ending)
def test_pieces_are_the_video(tmp_path: Path, group: Group) -> None:
    path = write_group(tmp_path, group)
    pieces = cut(path, 0.35 if group.codec == "mpeg2video" else 1.0)
    assert len(pieces) > 2, "nothing is cut: this would prove nothing"
    sources = [PieceVideo(video_of(path), piece, 1) for piece in reversed(pieces)]
    parts = [seen(source) for source in sources][::-1]
    assert [one for part in parts for one in part] == seen(VideoFile(str(path)))
    assert all(len(part) == piece.frames for part, piece in zip(parts, pieces, strict=True))
    for after, before in pairwise(sources):
        assert before.next_digest == after.begin_digest
        assert before.begin_digest != after.begin_digest


def test_a_short_video_is_one_piece(tmp_path: Path) -> None:
    path = write_group(tmp_path, OPEN)
    assert cut(path, 4.5) == [WHOLE]
    assert len(cut(path, 3.5)) == 2


def test_what_its_packets_do_not_foretell_is_one_piece(tmp_path: Path) -> None:
    """A raw stream has no stamps."""
    path = write_clip(tmp_path / "clip.h264", draw_frames(60), options={"g": "10", "bf": "2"})
    assert cut(path) == [WHOLE]


def test_a_clock_that_jumps_is_not_cut(tmp_path: Path) -> None:
    times_s = [step / 10 for step in range(30)] + [700 + step / 10 for step in range(30)]
    path = write_clip(tmp_path / "jump.mp4", draw_frames(60), options={"g": "10"}, times_s=times_s)
    assert cut(path) == [WHOLE]


def test_a_damaged_piece_is_told(tmp_path: Path) -> None:
    """A packet that cannot be decoded would shift the numbers of all pictures behind it."""
    path = write_group(tmp_path, Group("intra", ".mkv", codec="mjpeg"))
    pieces = cut(path)
    content = bytearray(path.read_bytes())
    at = content.index(b"\xff\xda", len(content) // 2)  # a picture's scan begins
    start = content.rindex(b"\xff\xd8", 0, at)
    content[start : at + 2] = bytes(at + 2 - start)
    path.write_bytes(content)
    assert len(pieces) > 2
    with pytest.raises(CannotBeCutError):
        for piece in pieces:
            seen(PieceVideo(video_of(path), piece, 1))


def test_a_piece_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = write_group(tmp_path, OPEN)
    pieces = cut(path)
    write_group(tmp_path, OPEN, frames=25)  # another video under its name
    with pytest.raises(CannotBeCutError, match="key frame at"):
        seen(PieceVideo(video_of(path), pieces[-1], 1))
