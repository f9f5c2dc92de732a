"""Still images: a folder, a glob or a list of files, in natural order."""

from __future__ import annotations

import glob
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from runtime.errors import UserError
from runtime.sources.frame import Frame, Source, log

IMAGE_ENDINGS = (
    ".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".jp2",
)  # fmt: skip


class ImageSource(Source):
    """The images of a folder (not its subfolders), of a glob, or a list of files.

    ``fps`` gives the images a time (``index / fps``) for the overlay video. Sizes may differ. Grey,
    16-bit and transparent images are read as 8-bit BGR (transparency is ignored), turned upright
    by their EXIF orientation. An image that cannot be read is skipped with a warning and counted.
    """

    kind = "images"

    def __init__(self, patterns: str | Sequence[str], fps: float = 15.0) -> None:
        patterns = [patterns] if isinstance(patterns, str) else list(patterns)
        super().__init__(" ".join(patterns))
        self.fps = fps
        self.paths = list_images(patterns)
        self.frame_count = len(self.paths)

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Images in natural order; see :meth:`Source.frames`."""
        assert self.fps
        for index, path in enumerate(self.paths):
            if stop.is_set():
                return
            started = time.perf_counter()
            image_bgr = read_image(path)
            if image_bgr is None:
                self.unreadable += 1
                log.warning("%s cannot be read as an image; it is skipped", path)
                continue
            capture_ms = (time.perf_counter() - started) * 1e3
            yield Frame(
                index, index / self.fps, image_bgr, Path(path).stem, capture_ms, started, path
            )
        if self.unreadable == len(self.paths):
            raise UserError(
                f"none of the {len(self.paths)} files of {self.name} can be read as an image; "
                "give JPEG, PNG, BMP, WebP or TIFF files"
            )

    def input_paths(self) -> list[str]:
        """Every image of the list."""
        return list(self.paths)


def list_images(patterns: Sequence[str]) -> list[str]:
    """The image files that folders, globs and file names stand for, each once, in natural order.

    Folders are filtered by the usual endings; what a glob or a name matches is taken as it is.
    Raises ``UserError`` for a pattern that stands for nothing.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        found.update(dict.fromkeys(_expand(pattern)))
    return sorted(found, key=natural_key)


def _expand(pattern: str) -> list[str]:
    if not pattern:
        raise UserError("--images is empty; give a folder or a glob such as 'frames/*.jpg'")
    if os.path.isdir(pattern):
        try:
            names = os.listdir(pattern)
        except OSError as error:
            raise UserError(f"--images {pattern} cannot be listed ({error.strerror})") from None
        paths = [
            path
            for name in names
            if name.lower().endswith(IMAGE_ENDINGS) and not name.startswith(".")
            if os.path.isfile(path := os.path.join(pattern, name))
        ]
        if not paths:
            raise UserError(
                f"--images {pattern} holds no image ({len(names)} other entries); expected files "
                "that end in .jpg, .png, .bmp, .webp or .tif (subfolders are not searched; "
                f"for those give '{os.path.join(pattern, '**', '*.jpg')}')"
            )
        return paths
    if os.path.isfile(pattern):
        return [pattern]
    if glob.has_magic(pattern):
        paths = [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]
        if paths:
            return paths
        raise UserError(f"--images {pattern} matches no file; check the pattern")
    raise UserError(f"--images {pattern} does not exist; give a folder or a glob of images")


def read_image(path: str) -> np.ndarray | None:
    """Read one image as (height, width, 3) uint8 BGR, or None where that is not possible."""
    import cv2

    try:
        encoded = np.fromfile(path, dtype=np.uint8)  # cv2.imread fails on names it cannot encode
        image_bgr = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
    except (OSError, cv2.error):
        return None
    return image_bgr


def natural_key(path: str) -> list[tuple[int, int | str]]:
    """A sort key by which ``frame2`` comes before ``frame10``."""
    parts = re.split(r"(\d+)", path)
    return [(0, int(part)) if part.isdecimal() else (1, part.lower()) for part in parts]
