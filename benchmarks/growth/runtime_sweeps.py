"""Sweeps of the runtime: images, words of a stream, pixels, streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.growth.sweep import Sweep, Work
from benchmarks.latency.live import LiveSettings, run_streams
from benchmarks.word_memory import random_queries
from runtime import Segmenter
from runtime.demo import DEMO_CLASSES, demo_clip
from runtime.segment.frames import RawScores

_BACKEND = "onnxruntime-cpu"
_FRAMES_OF_WORDS = 2
_FRAMES_OF_STREAM = 3

__all__ = ["RUNTIME_SWEEPS", "noise"]


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A picture of noise, BGR uint8 (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _load_demo(folder: Path) -> Segmenter:
    """The shipped model with the demo's words; has run, so that its memory is what it will be."""
    cv2.setNumThreads(1)  # threads do not outlive a fork
    segmenter = Segmenter.load(None, _BACKEND, threads=1)
    segmenter.set_classes(list(DEMO_CLASSES))
    for _ in range(2):
        segmenter(noise(640, 480))
    return segmenter


def _images(segmenter: Segmenter, count: int) -> Work:
    pictures = [noise(640, 480, seed) for seed in range(4)]

    def work() -> None:
        for number in range(count):
            segmenter(pictures[number % len(pictures)])

    return work


def _words(segmenter: Segmenter, count: int) -> Work:
    picture = noise(640, 480)
    segmenter.classes = random_queries(count, segmenter.manifest.embedding_width)

    def work() -> None:
        for _ in range(_FRAMES_OF_WORDS):
            segmenter(picture)

    return work


@dataclass(frozen=True)
class _Scored:
    segmenter: Segmenter
    raw: RawScores


def _load_scored(folder: Path) -> _Scored:
    segmenter = _load_demo(folder)
    return _Scored(segmenter, segmenter.infer(segmenter.preprocess(noise(640, 480))))


def _pixels(scored: _Scored, count: int) -> Work:
    """Pictures of 16:9 with so many pixels, to the nearest line."""
    height = round((count * 9 / 16) ** 0.5)
    picture = noise(round(count / height), height)

    def work() -> None:
        prepared = scored.segmenter.preprocess(picture)
        result = scored.segmenter.postprocess(scored.raw, prepared.size_wh)
        assert result.areas

    return work


def _streams(segmenter: Segmenter, count: int) -> Work:
    settings = LiveSettings(count, None, _FRAMES_OF_STREAM, None)
    return lambda: run_streams(segmenter, str(demo_clip()), settings)


def _sweep(
    name: str,
    counted: str,
    work: str,
    sizes: tuple[int, ...],
    prepare: Callable[[Segmenter, int], Work],
) -> Sweep:
    return Sweep(name, counted, work, sizes, _load_demo, prepare, sizes[:2])


_SIZES_16_9 = tuple(width * width * 9 // 16 for width in (640, 960, 1280, 1920, 2560, 3840, 7680))

RUNTIME_SWEEPS = (
    _sweep(
        "images", "images", "segmented, 640x480, one after the other", (2, 4, 8, 16, 32), _images
    ),
    _sweep(
        "words",
        "words",
        f"of one stream: {_FRAMES_OF_WORDS} frames of 640x480 segmented",
        (1, 4, 16, 64, 256, 1024),
        _words,
    ),
    Sweep(
        "pixels",
        "pixels",
        "of a frame: resized for the graph, and labeled (all but the graph)",
        _SIZES_16_9,
        _load_scored,
        _pixels,
        _SIZES_16_9[:2],
    ),
    _sweep(
        "streams",
        "streams",
        f"on one model, {_FRAMES_OF_STREAM} frames of a video file each",
        (1, 2, 4, 8, 16),
        _streams,
    ),
)
