"""The real frames on which parity is measured: the demo scene, or the user's own images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.even_spacing import evenly_spaced
from export.progress import Progress
from runtime.errors import UserError
from runtime.pictures import is_picture, read_picture

# Names of images: such a file that is none is an error, and not passed over.
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})
# The frames of the shipped clip: clip --seed 1 --seconds 7 (make demo-assets).
DEMO_CLIP_SEED = 1
DEMO_CLIP_FRAMES = 105
DEMO_CLIP_FPS = 15.0
DEMO_CLIP_SIZE_WH = (640, 480)


@dataclass(frozen=True)
class Frame:
    """One frame to compare on.

    Attributes:
        name: what the table calls it.
        image_hw3: uint8 (h, w, 3) RGB.
        labels_hw: uint8 (h, w) truth, 255 = ignore; None where it is not known.
    """

    name: str
    image_hw3: np.ndarray
    labels_hw: np.ndarray | None = None


def read_image_folder(folder: Path, count: int) -> list[Frame]:
    """Read up to ``count`` images of a folder, evenly spaced over their sorted names.

    Raises:
        UserError: no such folder, no images in it, or an image that cannot be decoded.
    """
    if not folder.is_dir():
        raise UserError(f"--calibration {folder}: no such folder; expected a folder of images")
    paths = sorted(path for path in folder.iterdir() if path.is_file() and _is_image(path))
    if not paths:
        raise UserError(
            f"--calibration {folder}: holds no images; expected JPEG, PNG, BMP, WebP, AVIF or "
            "TIFF files"
        )
    chosen = [paths[index] for index in evenly_spaced(len(paths), count)]
    return [Frame(path.name, _read_rgb(path)) for path in chosen]


def draw_demo_frames(count: int, progress: Progress, *, seed: int = DEMO_CLIP_SEED) -> list[Frame]:
    """Draw ``count`` frames, evenly spaced over the generated demo clip, with exact labels."""
    from training.data.streetworld import moving_scene

    wanted = evenly_spaced(DEMO_CLIP_FRAMES, count)
    scenes = moving_scene(seed, frames=wanted[-1] + 1, fps=DEMO_CLIP_FPS, size_wh=DEMO_CLIP_SIZE_WH)
    frames = []
    for index, scene in zip(progress(range(wanted[-1] + 1), "demo clip"), scenes, strict=True):
        if index in wanted:
            frames.append(Frame(f"demo {index:03d}", scene.image_hw3, scene.labels_hw))
    return frames


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES or is_picture(str(path))


def _read_rgb(path: Path) -> np.ndarray:
    picture = read_picture(str(path))
    if picture is None:
        raise UserError(
            f"--calibration: {path} cannot be decoded as an image; expected readable images, "
            "remove or replace it"
        )
    return np.ascontiguousarray(picture.image_bgr[..., ::-1])
