"""Where a video is cut: at key frames, read off its packets without decoding any.

A piece is all pictures shown from its key frame's time stamp on until the next piece's. Decoding
begins at the key frame; pictures that follow it in the file but are shown before it (leading
pictures of an open group) belong to the piece before, which decodes on until they are out.

Only a file whose packets foretell every picture is cut: each has a stamp, no two the same, and
the clock (:mod:`runtime.sources.timing`) takes them as they are. Any other is one piece.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from runtime.sources.decoding import DecodedPicture, Decoder
from runtime.sources.losses import FrameNumbers, count_announced
from runtime.sources.timing import LATER_STAMPS, timed

#: What is missing behind a key frame shows within so many pictures, and stays.
SEAM_FRAMES = 8

__all__ = ["SEAM_FRAMES", "WHOLE", "Piece", "find_pieces"]


@dataclass(frozen=True)
class Piece:
    """A part of a video; stamps are in the video stream's own unit.

    Attributes:
        number: its place in the video, from 0.
        first_frame: the number of its first picture in the video.
        frames: how many pictures it has; None where nobody knows before they are decoded.
        key_pts: the stamp of its key frame; None for one that begins with the video.
        key_dts: the same frame's decoding stamp, where it has one.
        end_pts: the stamp of the next piece's key frame; None for one that ends with the video.
        start_pts: the stamp of the video's first picture.
        fps: the video's nominal frame rate.
        of: how many pieces the video has.
        seam_frames: how many pictures behind the end are decoded as well, to be held against
            those that the next piece begins with.
    """

    number: int = 0
    first_frame: int = 0
    frames: int | None = None
    key_pts: int | None = None
    key_dts: int | None = None
    end_pts: int | None = None
    start_pts: int | None = None
    fps: float | None = None
    of: int = 1
    seam_frames: int = 0

    def record(self) -> dict[str, Any]:
        """The same as plain values; ``Piece(**record)`` is the piece again."""
        return asdict(self)


#: A video in one piece.
WHOLE = Piece()


@dataclass(frozen=True)
class _Stamps:
    """Of one packet."""

    pts: int
    dts: int | None
    is_key: bool


def find_pieces(container: Any, stream: Any, piece_s: float) -> list[Piece]:
    """Cut a video into pieces of about ``piece_s`` seconds.

    Args:
        container: an open ``av`` container, at its beginning; it is read to its end.
        stream: its video stream.
        piece_s: seconds; a video of less than one and a half of it is one piece.
    """
    if not _is_longer(container, 1.5 * piece_s) or _is_deep(stream):
        return [WHOLE]
    decoder = Decoder(container, stream, live=False)
    packets = _read_stamps(decoder)
    announced = count_announced(container, stream)
    if announced - len(packets) > announced // 50 or not packets:
        return [WHOLE]  # cut off, which is told of in one go
    if not _foretell_pictures(decoder, packets):
        return [WHOLE]
    shown = sorted(one.pts for one in packets)
    unit_s = float(stream.time_base)
    keys = [WHOLE_START, *_choose_keys(packets, round(piece_s / unit_s))]
    if len(keys) == 1:
        return [WHOLE]
    firsts = [0, *(bisect_left(shown, key.pts) for key in keys[1:]), len(shown)]
    counts = [after - before for before, after in pairwise(firsts)]
    ends = [*(key.pts for key in keys[1:]), None]
    return [
        Piece(
            number,
            firsts[number],
            counts[number],
            None if key is WHOLE_START else key.pts,
            None if key is WHOLE_START else key.dts,
            ends[number],
            shown[0],
            decoder.fps,
            len(keys),
            min(SEAM_FRAMES, *counts[number + 1 : number + 2]) if number + 1 < len(keys) else 0,
        )
        for number, key in enumerate(keys)
    ]


#: Stands for the video's beginning among the key frames at which pieces begin.
WHOLE_START = _Stamps(0, None, True)


def _is_longer(container: Any, than_s: float) -> bool:
    """Whether a video may be longer, as far as its head tells."""
    return container.duration is None or container.duration / 1e6 > than_s


def _is_deep(stream: Any) -> bool:
    """Whether the depth of a picture's samples is told by those before it (``ValueRange``)."""
    kind = stream.codec_context.format
    if kind is None:
        return True
    return any(component.bits >= 16 for component in kind.components)


def _read_stamps(decoder: Decoder) -> list[_Stamps]:
    """The stamps of all packets, in the file's order; none where one of them is not plain."""
    import av

    found: list[_Stamps] = []
    try:
        for packet in decoder.packets():
            if not packet.size:
                continue
            if packet.pts is None or packet.is_corrupt or packet.is_discard:
                return []
            found.append(_Stamps(packet.pts, packet.dts, packet.is_keyframe))
    except av.error.FFmpegError:
        return []
    return found


def _foretell_pictures(decoder: Decoder, packets: list[_Stamps]) -> bool:
    """Whether the pictures come with the packets' stamps, one each, as times and in number."""
    if not packets[0].is_key or len({one.pts for one in packets}) != len(packets):
        return False
    unit = decoder.stream.time_base
    numbers = FrameNumbers(decoder)
    start_s = float(min(one.pts for one in packets) * unit)
    pictures = _as_pictures(packets, unit)
    for position, (picture, time_s) in enumerate(timed(pictures, decoder.clock())):
        assert picture.pts_s is not None
        if time_s != picture.pts_s - start_s or numbers.number(picture, time_s) != position:
            return False
    return True


def _as_pictures(packets: list[_Stamps], unit: Any) -> Iterator[DecodedPicture]:
    """The pictures that the decoder would give, without their pixels."""
    import numpy as np

    nothing = np.empty((0, 0, 3), np.uint8)
    stamps_s = [float(one.pts * unit) for one in packets]
    for at in sorted(range(len(packets)), key=lambda at: packets[at].pts):
        later_s = tuple(stamps_s[at + 1 : at + 1 + LATER_STAMPS])
        yield DecodedPicture(nothing, stamps_s[at], 0.0, 0.0, later_s=later_s)


def _choose_keys(packets: list[_Stamps], least: int) -> list[_Stamps]:
    """Key frames at least so far apart, the last one not too near the end.

    Only those behind which nothing is shown that stands before them in the file.
    """
    first, last = min(one.pts for one in packets), max(one.pts for one in packets)
    chosen: list[_Stamps] = []
    begin, highest = first, packets[0].pts
    for one in packets:
        if one.is_key and one.pts > highest and one.pts - begin >= least <= 2 * (last - one.pts):
            chosen.append(one)
            begin = one.pts
        highest = max(highest, one.pts)
    return chosen
