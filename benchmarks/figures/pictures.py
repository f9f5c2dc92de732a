"""Which pictures the figures show: generated evaluation scenes, and CamVid frames where named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.datasets.camvid import WORDS as CAMVID_WORDS
from benchmarks.datasets.camvid import camvid_set
from runtime.errors import UserError
from training.data.streetworld import CLASS_NAMES, generate_scene

SIZE_WH = (320, 240)
CAMVID_FRAMES = (56, 71, 98)  # counted from 1, of those that nothing is chosen on


@dataclass(frozen=True)
class Picture:
    """A frame with its truth.

    Attributes:
        name: tells it from others.
        frame_bgr: uint8 (h, w, 3).
        truth_hw: uint8 (h, w).
        words: of the truth's values.
    """

    name: str
    frame_bgr: np.ndarray
    truth_hw: np.ndarray
    words: tuple[str, ...]


def draw_scenes(scenes: list[tuple[str, int]]) -> list[Picture]:
    """Generated scenes of namespaces that training never draws from."""
    pictures = []
    for namespace, seed in scenes:
        scene = generate_scene(seed, namespace=namespace, size_wh=SIZE_WH)
        frame_bgr = cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR)
        name = f"{namespace}-{seed}"
        pictures.append(Picture(name, frame_bgr, scene.labels_hw, tuple(CLASS_NAMES)))
    return pictures


def read_camvid(root: Path | None) -> list[Picture]:
    """A few frames of CamVid's clip."""
    pictures = []
    for number in CAMVID_FRAMES:
        for frame in camvid_set(root, (number, number)).open():
            pictures.append(Picture(frame.name, frame.frame_bgr, frame.labels_hw, CAMVID_WORDS))
    return pictures


def check_outside_repositories(folder: Path, flag: str = "--camvid-out") -> None:
    """CamVid is research data: refuse a folder inside any git repository, this one included."""
    place = folder.resolve()
    for parent in (place, *place.parents):
        if (parent / ".git").exists():
            raise UserError(
                f"{flag} {folder} lies in the repository {parent}, and CamVid's pictures "
                "must not get into one; give a folder elsewhere"
            )
