"""Encoded pictures: every file that OpenCV or PyAV can read, told by its content."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime.pictures.frames import frame_to_bgr
from runtime.pictures.values import ValueRange

__all__ = ["Picture", "decode_picture", "is_picture", "read_picture"]

#: What FFmpeg calls formats of single pictures, besides those that end in ``_pipe``.
PICTURE_FORMATS = frozenset({"gif", "ico", "apng", "webp", "webp_anim", "fits"})
#: Brands of AVIF and HEIF, which are MP4 files by their form.
HEIF_BRANDS = frozenset({b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis"})
#: Radiance and OpenEXR hold light, not signals for a screen.
LINEAR_STARTS = (b"#?RADIANCE", b"#?RGBE", b"\x76\x2f\x31\x01")
#: Targa has no mark at its beginning, and only newer files one at their end.
TARGA_ENDINGS = (".tga", ".icb", ".vda", ".vst")
TARGA_MARK = b"TRUEVISION-XFILE.\0"
_SNIFFED_BYTES = 4096


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        image_bgr: uint8 (height, width, 3), upright; transparency is ignored.
        kind: What its samples were, where they were not 8 bits for an ordinary screen, such as
            ``"12 bits in 16"`` or ``"HDR (PQ), mapped to SDR"``; else an empty string.
    """

    image_bgr: np.ndarray
    kind: str = ""


def read_picture(path: str) -> Picture | None:
    """A picture file, or None where it cannot be read as one; of an animation, its first."""
    try:
        with open(path, "rb") as file:
            encoded = file.read()
    except OSError:
        return None
    return decode_picture(encoded, os.path.splitext(path)[1])


def decode_picture(encoded: bytes, ending: str = "") -> Picture | None:
    """The same for the bytes of a file.

    Args:
        encoded: The file's content.
        ending: The ending of its name, which tells only the few formats without a mark.
    """
    if not encoded:
        return None
    values = ValueRange()
    # OpenCV ignores how an AVIF is turned, and the transfer function of a PNG; FFmpeg knows both.
    decoders = [_decode_with_opencv, _decode_with_pyav]
    if _is_heif(encoded) or _has_hdr_png_chunk(encoded):
        decoders.reverse()
    for decode in decoders:
        image_bgr = decode(encoded, ending, values)
        if image_bgr is not None:
            return Picture(image_bgr, next(iter(values.met), ""))
    return None


def is_picture(path: str) -> bool:
    """Whether a file begins as pictures do; it may still be damaged."""
    import cv2

    try:
        with open(path, "rb") as file:
            start = file.read(_SNIFFED_BYTES)
        if not start:
            return False
        if path.lower().endswith(TARGA_ENDINGS) or _is_heif(start):
            return True
        if cv2.haveImageReader(path):
            return True
    except (OSError, UnicodeError, cv2.error):
        return False
    return _has_picture_format(path)


def _has_picture_format(path: str) -> bool:
    import av

    try:
        with open(path, "rb") as file, av.open(file, "r") as container:
            return _is_picture_format(container.format.name)
    except (av.error.FFmpegError, OSError, ValueError):
        return False


def _is_picture_format(name: str) -> bool:
    return name.endswith("_pipe") or bool(set(name.split(",")) & PICTURE_FORMATS)


def _is_heif(encoded: bytes) -> bool:
    if encoded[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(encoded[:4], "big"), 256)
    return any(encoded[at : at + 4] in HEIF_BRANDS for at in (8, *range(16, end, 4)))


def _has_hdr_png_chunk(encoded: bytes) -> bool:
    """Whether a PNG says by its ``cICP`` chunk that its transfer function is PQ or HLG."""
    if not encoded.startswith(b"\x89PNG"):
        return False
    at = encoded.find(b"cICP", 0, _SNIFFED_BYTES)
    return at > 0 and encoded[at + 5 : at + 6] in (b"\x10", b"\x12")


def _decode_with_opencv(encoded: bytes, ending: str, values: ValueRange) -> np.ndarray | None:
    import cv2

    try:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH  # with both, EXIF orientation is applied
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
        if image is None:
            return None
        return values.to_bytes(image, linear=encoded.startswith(LINEAR_STARTS))
    except (cv2.error, ValueError):
        return None


def _decode_with_pyav(encoded: bytes, ending: str, values: ValueRange) -> np.ndarray | None:
    import av

    try:
        frame = _decode_targa(encoded, ending) or _decode_first_frame(encoded)
        return None if frame is None else frame_to_bgr(frame, values)
    except (av.error.FFmpegError, OSError, ValueError, EOFError):
        return None


def _decode_targa(encoded: bytes, ending: str) -> Any:
    import av

    if not (encoded.endswith(TARGA_MARK) or ending.lower() in TARGA_ENDINGS):
        return None
    decoder: Any = av.CodecContext.create("targa", "r")
    frames = [*decoder.decode(av.Packet(encoded)), *decoder.decode(None)]
    return frames[0] if frames else None


def _decode_first_frame(encoded: bytes) -> Any:
    """The largest picture of a file's; None for what is no picture, or only a tile of one."""
    import av
    from av.stream import Disposition

    with av.open(io.BytesIO(encoded), "r") as container:
        if not (_is_picture_format(container.format.name) or _is_heif(encoded)):
            return None
        streams = [s for s in container.streams.video if s.codec_context is not None]
        if not streams or any(s.disposition & Disposition.dependent for s in streams):
            return None
        largest = max(streams, key=lambda s: s.codec_context.width * s.codec_context.height)
        return next(iter(container.decode(largest)), None)
