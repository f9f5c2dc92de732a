"""What accuracy is measured on: frames with exact masks, either generated or CamVid's."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from export.parity.frames import (
    DEMO_CLIP_FPS,
    DEMO_CLIP_FRAMES,
    DEMO_CLIP_SEED,
    DEMO_CLIP_SIZE_WH,
)
from runtime.demo import demo_clip
from runtime.errors import UserError
from runtime.sources import open_video
from training.data.streetworld import CLASS_NAMES, Scene, generate_scene, moving_scene

CAMVID_WORDS = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "person",
    "bicyclist",
)
CAMVID_DEFAULT = Path("../shared/data/camvid_val")
SEED_STRIDE = 1_000_000  # scenes of --seed 1 never overlap those of --seed 0


@dataclass(frozen=True)
class EvaluationFrame:
    """One frame with its truth: BGR uint8 (h, w, 3) and labels uint8 (h, w)."""

    name: str
    frame_bgr: np.ndarray
    labels_hw: np.ndarray


@dataclass(frozen=True)
class EvaluationSet:
    """Frames that can be gone through again, and the words their label values stand for."""

    name: str
    words: tuple[str, ...]
    count: int
    open: Callable[[], Iterator[EvaluationFrame]]
    settings: dict[str, Any] = field(default_factory=dict)


def generate_scenes(
    seed: int, scenes: int, size_wh: tuple[int, int], *, namespace: str = "eval"
) -> Iterator[Scene]:
    """The scenes that ``--seed`` stands for, from a namespace that training never draws from."""
    for index in range(scenes):
        yield generate_scene(seed * SEED_STRIDE + index, namespace=namespace, size_wh=size_wh)


def streetworld_set(seed: int, scenes: int, size_wh: tuple[int, int]) -> EvaluationSet:
    """Generated scenes with every class of the world asked for."""

    def open_frames() -> Iterator[EvaluationFrame]:
        for scene in generate_scenes(seed, scenes, size_wh):
            yield EvaluationFrame(
                f"{scene.namespace}-{scene.seed}",
                cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR),
                scene.labels_hw,
            )

    settings = {"seed": seed, "scenes": scenes, "size_wh": list(size_wh), "namespace": "eval"}
    return EvaluationSet("streetworld", tuple(CLASS_NAMES), scenes, open_frames, settings)


def demo_clip_set(seed: int = DEMO_CLIP_SEED) -> EvaluationSet:
    """The shipped clip before compression, every class asked for; or the same of another street."""

    def open_frames() -> Iterator[EvaluationFrame]:
        scenes = moving_scene(
            seed, frames=DEMO_CLIP_FRAMES, fps=DEMO_CLIP_FPS, size_wh=DEMO_CLIP_SIZE_WH
        )
        for index, scene in enumerate(scenes):
            frame_bgr = cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR)
            yield EvaluationFrame(f"{index:06d}", frame_bgr, scene.labels_hw)

    settings = {"seed": seed, "namespace": "demo"}
    return EvaluationSet("demo-clip", tuple(CLASS_NAMES), DEMO_CLIP_FRAMES, open_frames, settings)


def shipped_clip_set() -> EvaluationSet:
    """The shipped clip as a user's decoder gives it, after compression, with its exact masks."""
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


def camvid_set(root: Path | None, frames: tuple[int, int] | None = None) -> EvaluationSet:
    """CamVid's validation clip: 101 real frames in order, or those from..to (counted from 1)."""
    root = find_camvid(root)
    images = sorted((root / "frames").glob("*.jpg"))
    if not images:
        raise UserError(f"{root}/frames holds no *.jpg; give CamVid's folder with --root")
    first, last = frames or (1, len(images))
    if last > len(images):
        raise UserError(f"--frames {first}-{last} goes past the {len(images)} frames of {root}")
    chosen = images[first - 1 : last]

    def open_frames() -> Iterator[EvaluationFrame]:
        for path in chosen:
            yield _read_camvid(path, root / "labels" / f"{path.stem}.png")

    return EvaluationSet(
        "camvid", CAMVID_WORDS, len(chosen), open_frames, {"frames": [first, last]}
    )


def find_camvid(root: Path | None) -> Path:
    """``root``, else $CAMVID_ROOT, else the place beside the checkout; a UserError if not there."""
    root = root or Path(os.environ.get("CAMVID_ROOT") or CAMVID_DEFAULT)
    if not (root / "frames").is_dir() or not (root / "labels").is_dir():
        raise UserError(
            f"no CamVid clip at {root} (expected frames/*.jpg and labels/*.png); "
            "give its folder with --root or $CAMVID_ROOT"
        )
    return root


def _read_camvid(image: Path, labels: Path) -> EvaluationFrame:
    frame_bgr = cv2.imread(str(image), cv2.IMREAD_COLOR)
    labels_hw = cv2.imread(str(labels), cv2.IMREAD_UNCHANGED)
    if frame_bgr is None or labels_hw is None:
        raise UserError(f"{image if frame_bgr is None else labels} cannot be read as an image")
    if labels_hw.ndim != 2 or labels_hw.shape != frame_bgr.shape[:2]:
        raise UserError(
            f"{labels} is {labels_hw.shape}, expected one channel of {frame_bgr.shape[:2]} "
            "as in its frame"
        )
    return EvaluationFrame(image.stem, frame_bgr, labels_hw.astype(np.uint8))
