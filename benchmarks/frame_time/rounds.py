"""Frames through several bundles in turn, and the medians of what each part has spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from statistics import median
from time import sleep

import numpy as np
from tqdm import tqdm

from benchmarks.frame_time.parts import DECODER, ENCODER, UNITS
from benchmarks.frame_time.subject import (
    INFER,
    POSTPROCESS,
    PREPROCESS,
    RUNS,
    Spent,
    Stopwatch,
    Subject,
)
from benchmarks.latency.footage import repeat_frames

DECODE = "decode"
#: In the order in which a frame passes them.
PARTS = (DECODE, PREPROCESS, ENCODER, DECODER, UNITS, POSTPROCESS)
# Pictures held in memory; what is more than that is run on the same ones again.
_MOST_KEPT = 32
# Before each run: threads that ran last may still be at work.
_REST_S = 0.02

Round = Mapping[str, Spent]


def time_decoding(video: str, count: int) -> tuple[list[np.ndarray], list[Spent]]:
    """Read frames of a video or a folder of images, nothing else being done meanwhile.

    Args:
        video: read from its beginning, again and again if it is shorter.
        count: frames to time; one before them is not.

    Returns:
        Some of the pictures, BGR uint8 (H, W, 3), and what reading and decoding each took.
    """
    images: list[np.ndarray] = []
    spent: list[Spent] = []
    with closing(repeat_frames(video)) as frames:
        next(frames)  # the decoder fills its threads
        for _ in range(count):
            watch = Stopwatch()
            frame = next(frames)
            spent.append(Spent(frame.capture_ms, watch.lap().cpu_ms))
            if len(images) < _MOST_KEPT:
                images.append(frame.image_bgr)
    return images, spent


def run_rounds(
    subjects: Mapping[str, Subject], images: Sequence[np.ndarray], count: int, warmup: int
) -> dict[str, list[Round]]:
    """Run all of everyone on the same picture, in an order drawn anew each round.

    Args:
        subjects: by name.
        images: BGR uint8 (H, W, 3), one a round.
        count: rounds that are kept.
        warmup: rounds before them.

    Returns:
        Name to what each round has spent on stages and on the graph as far as a part's end.
    """
    kept: dict[str, list[Round]] = {name: [] for name in subjects}
    turns = [(name, which) for name in subjects for which in RUNS]
    order = np.random.default_rng(0)
    rounds = range(-warmup, count)
    for number in tqdm(rounds, desc="frame time", unit="round", leave=False, disable=None):
        found: dict[str, dict[str, Spent]] = {name: {} for name in subjects}
        for turn in order.permutation(len(turns)):
            name, which = turns[turn]
            sleep(_REST_S)
            found[name].update(subjects[name].run(which, images[number % len(images)]))
        if number >= 0:
            for name, one in found.items():
                kept[name].append(one)
    return kept


def divide(decoding: Sequence[Spent], rounds: Sequence[Round]) -> dict[str, dict[str, float]]:
    """The median of what each part of a frame has spent.

    The decoder is what the graph as far as its end takes more than the encoder alone, and units and
    scores what the whole graph takes more than that; both differences are taken within a round.

    Args:
        decoding: of frames.
        rounds: with the stages, and the graph as far as encoder and decoder.

    Returns:
        For each of :data:`PARTS`: ``cpu_ms`` and ``wall_ms``.
    """
    parts: dict[str, list[Spent]] = {
        DECODE: list(decoding),
        PREPROCESS: [one[PREPROCESS] for one in rounds],
        ENCODER: [one[ENCODER] for one in rounds],
        DECODER: [_more(one[DECODER], one[ENCODER]) for one in rounds],
        UNITS: [_more(one[INFER], one[DECODER]) for one in rounds],
        POSTPROCESS: [one[POSTPROCESS] for one in rounds],
    }
    return {part: median_of(parts[part]) for part in PARTS}


def median_of(spent: Sequence[Spent]) -> dict[str, float]:
    """``cpu_ms`` and ``wall_ms``, each its own median; nothing takes less than no time."""
    return {
        "cpu_ms": round(max(0.0, median(one.cpu_ms for one in spent)), 3),
        "wall_ms": round(max(0.0, median(one.wall_ms for one in spent)), 3),
    }


def _more(longer: Spent, shorter: Spent) -> Spent:
    return Spent(longer.wall_ms - shorter.wall_ms, longer.cpu_ms - shorter.cpu_ms)
