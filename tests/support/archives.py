"""Clips whose pictures differ all over, in groups of several kinds, for what cuts videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from tests.support.clips import write_clip

SIZE_WH = (64, 48)
FPS = 10


@dataclass(frozen=True)
class Group:
    """How a clip is encoded."""

    name: str
    ending: str
    options: dict[str, str] = field(default_factory=dict)
    codec: str = "libx264"
    times_s: tuple[float, ...] | None = None


_B_FRAMES = {"g": "10", "bf": "3", "x264-params": "scenecut=0:b-adapt=0"}
_OPEN = {"g": "10", "bf": "3", "x264-params": "scenecut=0:b-adapt=0:open-gop=1:b-pyramid=normal"}
# Of a screen recorder: bursts and pauses.
UNEVEN = tuple(np.cumsum([0.04, 0.1, 0.033, 0.4] * 15).round(3).tolist())
GROUPS = (
    Group("closed", ".mp4", _B_FRAMES),
    Group("open", ".mp4", _OPEN),
    Group("open", ".mkv", _OPEN),
    Group("open", ".ts", _OPEN),
    Group("uneven", ".mp4", _OPEN, times_s=UNEVEN),
    Group("intra", ".mkv", codec="mjpeg"),
    Group("mpeg4", ".avi", {"g": "10", "bf": "2"}, "mpeg4"),
    Group("mpeg2", ".mpg", {"g": "10", "bf": "2"}, "mpeg2video"),
)


def draw_frames(count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """A drifting texture with a few colors of the hand-made bundle: no two pictures are alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (9, 40, 3), np.uint8)
    wide = cv2.resize(coarse, (SIZE_WH[0] * 5, SIZE_WH[1]), interpolation=cv2.INTER_CUBIC)
    for step in range(count):
        left = step * 3 % (wide.shape[1] - SIZE_WH[0])
        frame = wide[:, left : left + SIZE_WH[0]].copy()
        frame[8:16, step % 50 : step % 50 + 10] = (0, 0, 255)
        yield frame


def write_group(folder: Path, group: Group, frames: int = 60, seed: int = 0) -> Path:
    """A clip of one kind."""
    path = folder / f"{group.name}{group.ending}"
    return write_clip(
        path, draw_frames(frames, seed), fps=25 if group.codec == "mpeg2video" else FPS,
        size_wh=SIZE_WH, codec=group.codec, options=group.options, times_s=group.times_s,
    )  # fmt: skip
