"""Whole media of many kinds, made in code: what is damaged afterwards."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from PIL import Image

__all__ = ["PICTURES", "VIDEOS", "PictureKind", "VideoKind", "make_media"]

FRAMES = 8
FPS = 12


@dataclass(frozen=True)
class VideoKind:
    """One kind of video.

    Attributes:
        name: what it is called in the tables.
        ending: of its file, with the dot.
        codec: FFmpeg's encoder.
        pixels: its pixel format.
        size_wh: width and height.
        frames: how many.
        options: of the encoder.
        muxing: options of the container.
        uneven: whether the distances of the frames vary.
        turned: whether the file says that it is to be shown turned by a quarter.
        late: seconds by which its first frame stands behind zero: an empty edit in MP4.
    """

    name: str
    ending: str
    codec: str
    pixels: str = "yuv420p"
    size_wh: tuple[int, int] = (64, 48)
    frames: int = FRAMES
    options: dict[str, str] = field(default_factory=dict)
    muxing: dict[str, str] = field(default_factory=dict)
    uneven: bool = False
    turned: bool = False
    late: float = 0.0

    def write(self, path: Path) -> None:
        """Encode it."""
        with av.open(str(path), "w", format=_FORMATS.get(self.ending), options=self.muxing) as file:
            stream: Any = file.add_stream(self.codec, rate=FPS, options=self.options)
            stream.width, stream.height = self.size_wh
            stream.pix_fmt = self.pixels
            if self.uneven:
                stream.codec_context.time_base = Fraction(1, 1000)
            for index in range(self.frames):
                frame = av.VideoFrame.from_ndarray(draw(index, self.size_wh), format="bgr24")
                frame = frame.reformat(format=self.pixels)
                frame.pts, frame.time_base = self._stamp(index)
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        if self.turned:
            turn(path)

    def _stamp(self, index: int) -> tuple[int, Fraction]:
        if self.uneven:
            return round(1000 * self.late) + 40 * index + 61 * (index // 3) ** 2, Fraction(1, 1000)
        return round(self.late * FPS) + index, Fraction(1, FPS)


@dataclass(frozen=True)
class PictureKind:
    """One kind of picture: its name, its file's ending, and what writes it."""

    name: str
    ending: str
    write: Callable[[Path], object]


_FORMATS = {".mjpeg": "mjpeg", ".ts": "mpegts"}
_FAST = {"preset": "ultrafast"}
_B_FRAMES = {"preset": "veryfast", "bf": "2"}

VIDEOS = (
    VideoKind("mp4 h264", ".mp4", "libx264", options=_B_FRAMES),
    VideoKind("mp4 h264 in fragments", ".mp4", "libx264", options=_FAST,
              muxing={"movflags": "frag_keyframe+empty_moov"}),
    VideoKind("mp4 index first", ".mp4", "libx264", options=_FAST,
              muxing={"movflags": "faststart"}),
    VideoKind("mp4 with edits", ".mp4", "libx264", options=_B_FRAMES, late=1.5),
    VideoKind("mp4 turned", ".mp4", "libx264", options=_FAST, turned=True),
    VideoKind("mp4 uneven rate", ".mp4", "libx264", options=_FAST, uneven=True),
    VideoKind("mp4 interlaced", ".mp4", "libx264",
              options=_FAST | {"x264-params": "interlaced=1:tff=1"}),
    VideoKind("mp4 10 bit", ".mp4", "libx264", "yuv420p10le", options=_FAST),
    VideoKind("mp4 4:4:4", ".mp4", "libx264", "yuv444p", (33, 17), options=_FAST),
    VideoKind("mp4 1080", ".mp4", "libx264", size_wh=(1920, 1080), frames=2, options=_FAST),
    VideoKind("mp4 8K", ".mp4", "libx264", size_wh=(7680, 4320), frames=1, options=_FAST),
    VideoKind("mp4 mpeg4", ".mp4", "mpeg4", size_wh=(50, 34)),
    VideoKind("mkv h264", ".mkv", "libx264", options=_B_FRAMES),
    VideoKind("mkv vp8", ".mkv", "libvpx", options={"deadline": "realtime", "cpu-used": "8"}),
    VideoKind("mkv vp9", ".mkv", "libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
    VideoKind("mkv ffv1", ".mkv", "ffv1", "bgr0", (31, 17)),
    VideoKind("mkv ffv1 alpha", ".mkv", "ffv1", "bgra", (31, 17)),
    VideoKind("mkv ffv1 12 bit", ".mkv", "ffv1", "yuv422p12le"),
    VideoKind("mkv ffv1 grey 16 bit", ".mkv", "ffv1", "gray16le"),
    VideoKind("mkv ffv1 one pixel", ".mkv", "ffv1", "bgr0", (1, 1)),
    VideoKind("mkv uneven rate", ".mkv", "libx264", options=_FAST, uneven=True),
    VideoKind("avi mpeg4", ".avi", "mpeg4"),
    VideoKind("avi mjpeg", ".avi", "mjpeg", "yuvj420p", (63, 47)),
    VideoKind("avi raw", ".avi", "rawvideo", "bgr24", (31, 17)),
    VideoKind("avi huffyuv", ".avi", "huffyuv", "yuv422p"),
    VideoKind("ts mpeg2", ".ts", "mpeg2video"),
    VideoKind("ts mpeg2 interlaced", ".ts", "mpeg2video", options={"flags": "+ildct+ilme"}),
    VideoKind("ts h264", ".ts", "libx264", options=_B_FRAMES),
    VideoKind("mjpeg", ".mjpeg", "mjpeg", "yuvj420p", (65, 33)),
    VideoKind("mkv grey", ".mkv", "rawvideo", "gray", (31, 17)),
    VideoKind("mov prores", ".mov", "prores_ks", "yuv422p10le"),
    VideoKind("mov prores alpha", ".mov", "prores_ks", "yuva444p10le"),
    VideoKind("mov png", ".mov", "png", "rgba", (17, 31)),
)  # fmt: skip


def draw(index: int, size_wh: tuple[int, int]) -> np.ndarray:
    """Picture ``index`` of a video, uint8 (height, width, 3): ramps and a block that moves."""
    width, height = size_wh
    image = np.empty((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width)[None] * 255 // max(1, width - 1)
    image[..., 1] = np.arange(height)[:, None] * 255 // max(1, height - 1)
    image[..., 2] = 16 * index % 256
    left = index * width // FRAMES
    image[height // 3 : height // 2 + 1, left : left + width // 4 + 1] = (20, 40, 220)
    return image


def turn(path: Path) -> None:
    """Let an MP4 say that it is shown turned by a quarter: the matrix in its track's header."""
    content = bytearray(path.read_bytes())
    at = content.find(b"tkhd") + 4 + 40
    one = 1 << 16
    content[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def _by_opencv(image: np.ndarray, ending: str, *how: int) -> PictureKind:
    depth = {1: 8, 2: 16, 4: 32}[image.itemsize]
    planes = 1 if image.ndim == 2 else image.shape[2]
    name = f"{ending[1:]} {image.shape[1]}x{image.shape[0]}, {planes} of {depth} bit"
    return PictureKind(name, ending, lambda path: cv2.imwrite(str(path), image, list(how)))


def _by_pillow(name: str, ending: str, image: Image.Image, **how: Any) -> PictureKind:
    return PictureKind(name, ending, lambda path: image.save(path, **how))


def _list_pictures() -> tuple[PictureKind, ...]:
    color, odd, point = draw(3, (64, 48)), draw(3, (33, 17)), draw(0, (1, 1))
    deep = color.astype(np.uint16) * 257
    alpha = np.dstack([color, color[..., 0]])
    pillow = Image.fromarray(color)
    pages = [Image.fromarray(draw(index, (40, 30))) for index in range(3)]
    turned = Image.Exif()
    turned[0x0112] = 6
    return (
        *(_by_opencv(image, ending)
          for ending in (".jpg", ".png", ".tif", ".webp") for image in (color, odd, point)),
        *(_by_opencv(color[..., 0], ending) for ending in (".jpg", ".png", ".tif")),
        *(_by_opencv(deep, ending) for ending in (".png", ".tif")),
        *(_by_opencv(deep[..., 0] >> 4, ending) for ending in (".png", ".tif")),
        *(_by_opencv(alpha, ending) for ending in (".png", ".tif", ".webp")),
        _by_opencv(color.astype(np.float32) / 255, ".tif"),
        _by_opencv(draw(1, (7680, 4320)), ".jpg"),
        _by_opencv(draw(1, (3840, 2160)), ".png"),
        _by_pillow("jpg CMYK", ".jpg", pillow.convert("CMYK")),
        _by_pillow("jpg progressive", ".jpg", pillow, progressive=True),
        _by_pillow("jpg turned", ".jpg", pillow, exif=turned),
        _by_pillow("png of 1 bit", ".png", pillow.convert("1")),
        _by_pillow("png with a palette", ".png", pillow.quantize(16)),
        _by_pillow("png animated", ".png", pages[0], save_all=True, append_images=pages[1:]),
        _by_pillow("tif deflate", ".tif", pillow, compression="tiff_adobe_deflate"),
        _by_pillow("tif lzw", ".tif", pillow, compression="tiff_lzw"),
        _by_pillow("tif pages", ".tif", pages[0], save_all=True, append_images=pages[1:]),
        _by_pillow("webp lossless", ".webp", pillow, lossless=True),
        _by_pillow("webp animated", ".webp", pages[0], save_all=True, append_images=pages[1:]),
    )  # fmt: skip


PICTURES = _list_pictures()


def make_media(folder: Path) -> dict[str, Path]:
    """Write one file of each kind; gives the files by the kind's name."""
    made: dict[str, Path] = {}
    kinds: list[VideoKind | PictureKind] = [*VIDEOS, *PICTURES]
    for number, kind in enumerate(kinds):
        path = folder / f"{number:03d}{kind.ending}"
        kind.write(path)
        made[kind.name] = path
    return made
