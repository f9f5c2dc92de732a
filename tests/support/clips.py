"""Videos and pictures made for the tests: a red car drives over green trees under a blue sky."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from tests.support.color_bundle import COLORS_BGR

SIZE_WH = (128, 96)


def draw_scene(step: int, size_wh: tuple[int, int] = SIZE_WH) -> np.ndarray:
    """Frame ``step``: upper half sky, lower half tree, a car a quarter wide that moves right."""
    width, height = size_wh
    image_bgr = np.empty((height, width, 3), np.uint8)
    image_bgr[: height // 2] = COLORS_BGR["sky"]
    image_bgr[height // 2 :] = COLORS_BGR["tree"]
    left = (step * width // 32) % (width * 3 // 4)
    image_bgr[height * 5 // 8 : height * 7 // 8, left : left + width // 4] = COLORS_BGR["car"]
    return image_bgr


def scene_labels(step: int, size_wh: tuple[int, int] = SIZE_WH) -> np.ndarray:
    """The exact labels of ``draw_scene`` for the classes sky, tree, car."""
    image_bgr = draw_scene(step, size_wh)
    labels = np.full(image_bgr.shape[:2], 255, np.uint8)
    for value, name in enumerate(("sky", "tree", "car")):
        labels[(image_bgr == COLORS_BGR[name]).all(axis=2)] = value
    return labels


def write_clip(
    path: Path,
    frames: int | Iterable[np.ndarray] = 12,
    *,
    fps: int = 12,
    size_wh: tuple[int, int] = SIZE_WH,
    times_s: Sequence[float] | None = None,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pixel_aspect: Fraction | None = None,
) -> Path:
    """Encode frames (a number means that many scenes) with the times given, or at ``fps``."""
    images = (draw_scene(i, size_wh) for i in range(frames)) if isinstance(frames, int) else frames
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if times_s is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, image_bgr in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image_bgr), format="bgr24")
            frame = frame.reformat(format=stream.pix_fmt)
            if times_s is None:
                frame.pts, frame.time_base = index, Fraction(1, fps)
            else:
                frame.pts, frame.time_base = round(times_s[index] * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_long_clip(path: Path, frames: int, *, size_wh: tuple[int, int] = SIZE_WH) -> Path:
    """Very many scenes, at 30 frames/s, in a moment: each of the first 96 is encoded only once."""
    jpegs = [cv2.imencode(".jpg", draw_scene(i, size_wh))[1].tobytes() for i in range(96)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=30)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuvj420p"
        for index in range(frames):
            packet = av.Packet(jpegs[index % len(jpegs)])
            packet.stream, packet.time_base = stream, Fraction(1, 30)
            packet.pts = packet.dts = index
            packet.duration, packet.is_keyframe = 1, True
            container.mux(packet)
    return path


def read_video(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """Every frame (BGR) and its time; fails on anything that does not decode."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [frame.to_ndarray(format="bgr24") for frame in frames], [f.time for f in frames]
