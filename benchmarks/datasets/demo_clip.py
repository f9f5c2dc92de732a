"""The shipped clip: a street that moves, with exact masks, before and after its compression."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import cv2

from benchmarks.datasets.evaluation_set import (
    Dataset,
    EvaluationFrame,
    EvaluationSet,
    Selection,
)
from export.parity.frames import (
    DEMO_CLIP_FPS,
    DEMO_CLIP_FRAMES,
    DEMO_CLIP_SEED,
    DEMO_CLIP_SIZE_WH,
)
from runtime.demo import demo_clip
from runtime.sources import open_video
from training.data.streetworld import CLASS_NAMES, moving_scene


def demo_clip_set(seed: int = DEMO_CLIP_SEED) -> EvaluationSet:
    """The clip before compression, every class asked for; or the same of another street.

    Args:
        seed: of the street.
    """

    def open_frames() -> Iterator[EvaluationFrame]:
        scenes = moving_scene(
            seed, frames=DEMO_CLIP_FRAMES, fps=DEMO_CLIP_FPS, size_wh=DEMO_CLIP_SIZE_WH
        )
        for index, scene in enumerate(scenes):
            frame_bgr = cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR)
            yield EvaluationFrame(f"{index:06d}", frame_bgr, scene.labels_hw)

    return EvaluationSet(
        name="demo-clip",
        words=tuple(CLASS_NAMES),
        count=DEMO_CLIP_FRAMES,
        open=open_frames,
        settings={"seed": seed, "namespace": "demo"},
    )


def shipped_clip_set() -> EvaluationSet:
    """The clip as a user's decoder gives it, after compression, with its exact masks."""
    exact = demo_clip_set()

    def open_frames() -> Iterator[EvaluationFrame]:
        clip = open_video(str(demo_clip()))
        clip.open()
        try:
            for frame, truth in zip(clip.frames(threading.Event()), exact.open(), strict=True):
                yield dataclasses.replace(truth, frame_bgr=frame.image_bgr)
        finally:
            clip.close()

    return dataclasses.replace(exact, name="shipped-clip", open=open_frames)


def _open_exact(selection: Selection) -> EvaluationSet:
    return demo_clip_set(DEMO_CLIP_SEED if selection.seed is None else selection.seed)


def _open_shipped(_: Selection) -> EvaluationSet:
    return shipped_clip_set()


DATASETS = (
    Dataset(
        name="demo-clip",
        summary="the shipped clip before compression, or another street's (--seed)",
        open=_open_exact,
        seed=DEMO_CLIP_SEED,
    ),
    Dataset(
        name="shipped-clip",
        summary="the shipped clip as it is decoded",
        open=_open_shipped,
    ),
)
