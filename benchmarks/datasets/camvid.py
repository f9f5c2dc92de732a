"""CamVid's validation clip: 101 frames of a real drive, 480 x 360, at 15 frames a second.

A folder with ``frames/*.jpg`` and ``labels/*.png``, whose values are positions in :data:`WORDS`, or
:data:`UNLABELLED`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.datasets.evaluation_set import (
    Dataset,
    EvaluationFrame,
    EvaluationSet,
    Selection,
)
from runtime.errors import UserError

NAME = "camvid"
WORDS = (
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
UNLABELLED = 11
USUAL_PLACE = Path("../shared/data/camvid_val")


def camvid_set(root: Path | None, frames: tuple[int, int] | None = None) -> EvaluationSet:
    """The clip's frames in order.

    Args:
        root: its folder; None: see :func:`find_camvid`.
        frames: first and last, counted from 1, both in; None: all.

    Raises:
        UserError: no such folder, no image in it, a range past its end.
    """
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
            yield _read_frame(path, root / "labels" / f"{path.stem}.png")

    return EvaluationSet(
        name=NAME,
        words=WORDS,
        count=len(chosen),
        open=open_frames,
        settings={"frames": [first, last]},
        ignore_label=UNLABELLED,
    )


def find_camvid(root: Path | None) -> Path:
    """``root``, else $CAMVID_ROOT, else the place beside the checkout.

    Raises:
        UserError: there is no such clip.
    """
    root = root or Path(os.environ.get("CAMVID_ROOT") or USUAL_PLACE)
    if not (root / "frames").is_dir() or not (root / "labels").is_dir():
        raise UserError(
            f"no CamVid clip at {root} (expected frames/*.jpg and labels/*.png); "
            "give its folder with --root or $CAMVID_ROOT"
        )
    return root


def _read_frame(image: Path, labels: Path) -> EvaluationFrame:
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


def _open(selection: Selection) -> EvaluationSet:
    return camvid_set(selection.root, selection.frames)


DATASETS = (Dataset(name=NAME, summary="101 frames of a real drive", open=_open),)
