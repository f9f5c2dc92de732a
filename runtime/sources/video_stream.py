"""Which stream of a container is the video: never a cover, the default one, then the largest."""

from __future__ import annotations

from typing import Any

from runtime.errors import UserError

__all__ = ["EXPECTED", "find_video_stream"]

#: FFmpeg reads these from any text or binary file: for them, "it opened" does not mean "a video".
NOT_VIDEO_FORMATS = frozenset({"tty", "bin", "xbin", "adf", "idf", "srt", "ass", "webvtt", "lrc"})
EXPECTED = "give a video file such as .mp4, .mkv, .avi or .mov"


def find_video_stream(container: Any, name: str) -> Any:
    """The stream of an open container that a player would show.

    Covers and thumbnails are never taken, still pictures only where nothing moves. Of the others
    the one that the file marks as default comes first, then the largest.

    Args:
        container: An open ``av`` container.
        name: How messages call it.

    Returns:
        An ``av`` video stream with a decoder.

    Raises:
        UserError: There is no video in it.
    """
    if set(container.format.name.split(",")) & NOT_VIDEO_FORMATS:
        raise UserError(f"{name} is not a video (it reads as text or raw bytes); {EXPECTED}")
    videos = [stream for stream in container.streams.video if not _is_cover(stream)]
    readable = [stream for stream in videos if stream.codec_context is not None]
    if readable:
        return max(readable, key=_preference)  # the first of equals
    if videos:
        raise UserError(
            f"{name} cannot be decoded (its codec is unknown here, or the file was cut off before "
            f"the end of its index); {EXPECTED}"
        )
    kinds = sorted({stream.type for stream in container.streams if stream.type != "video"})
    if len(container.streams.video):
        kinds.append("a cover picture")
    holds = f"it holds only {' and '.join(kinds)}" if kinds else "it holds no stream"
    raise UserError(f"{name} is not a video ({holds}); {EXPECTED}")


def _is_cover(stream: Any) -> bool:
    """Whether a stream is a picture about the file rather than its content.

    The flags are tested as flags: from Python 3.11 on their text is a number.
    """
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _preference(stream: Any) -> tuple[bool, bool, int]:
    """What the chosen stream has most of: movement, the file's own mark, pixels."""
    from av.stream import Disposition

    flags = stream.disposition
    moves = stream.frames != 1 and not flags & (Disposition.still_image | Disposition.dependent)
    pixels = (stream.codec_context.width or 0) * (stream.codec_context.height or 0)
    return moves, bool(flags & Disposition.default), pixels
