"""PyAV and the FFmpeg in it: decoders of files and streams, and the encoder of overlays."""

from __future__ import annotations

from importlib import util
from typing import Any

from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, broken, missing, ok
from runtime.doctor.requirement import install_line
from runtime.sinks.h264 import H264_ENCODERS

NAME = "PyAV"
#: What cameras, phones and recorders make.
DECODERS = ("h264", "hevc", "vp8", "vp9", "av1", "mjpeg", "mpeg4", "mpeg2video")
_FORMATS = ("rtsp", "hls", "mp4", "matroska", "mpegts")
_AGAIN = install_line("av", again=True)

__all__ = ["DECODERS", "examine"]


def examine() -> list[Finding]:
    """The package and its codecs."""
    return ask(NAME, look)


def look() -> list[Finding]:
    """The same, in this process."""
    if util.find_spec("av") is None:
        reason = "not installed: no video is read or written"
        return [missing(NAME, reason, install_line("av"))]
    try:
        import av

        ffmpeg = str(getattr(av, "ffmpeg_version_info", "of an unknown version"))
        version = str(av.__version__)
    except Exception as error:  # a package that is there and broken raises what it likes
        return [broken(NAME, f"{type(error).__name__}: {error}", _AGAIN)]
    return [
        ok(NAME, f"{version}, FFmpeg {ffmpeg}", version=version, ffmpeg=ffmpeg),
        _all_of("decoders", DECODERS, [name for name in DECODERS if _codec(av, name, "r")]),
        _encoder(av),
        _all_of("formats", _FORMATS, [name for name in _FORMATS if _format(av, name)]),
    ]


def _encoder(av: Any) -> Finding:
    found = next((name for name in H264_ENCODERS if _codec(av, name, "w")), None)
    if found is None:
        return missing("H.264 encoder", "--out writes no video", _AGAIN, encoder=None)
    return ok("H.264 encoder", found, encoder=found)


def _all_of(name: str, wanted: tuple[str, ...], found: list[str]) -> Finding:
    lacking = [one for one in wanted if one not in found]
    if not lacking:
        return ok(name, ", ".join(found), found=found, lacking=[])
    return missing(name, f"without {', '.join(lacking)}", _AGAIN, found=found, lacking=lacking)


def _codec(av: Any, name: str, mode: str) -> bool:
    try:
        av.codec.Codec(name, mode)
    except Exception:  # of a kind that differs between versions
        return False
    return True


def _format(av: Any, name: str) -> bool:
    try:
        av.format.ContainerFormat(name, "r")
    except Exception:  # as above
        return False
    return True
