"""Still images: a folder, a glob or a list of files, in natural order."""

from __future__ import annotations

import glob
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from runtime.errors import UserError
from runtime.pictures import is_picture, read_picture
from runtime.sources.frame import Frame, Source, log
from runtime.sources.looping import loop_frames

#: Believed without a look into the file; it is read by its content all the same.
IMAGE_ENDINGS = (
    ".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".jp2",
)  # fmt: skip
#: How many of the entries that were passed over a warning names.
NAMED = 5


class ImageSource(Source):
    """The images of a folder (not its subfolders), of a glob, or a list of files.

    Of a folder, what is an image by its content is read, whatever its name; other entries are
    counted and named in a warning, hidden ones (``.DS_Store``) only in the report.

    ``fps`` gives the images a time (``index / fps``) for the overlay video. Sizes may differ. Grey,
    16-bit and transparent images are read as 8-bit BGR (transparency is ignored), turned upright
    by their EXIF orientation. An image that cannot be read is skipped with a warning and counted.
    With ``loop`` the first follows the last, for ever.
    """

    kind = "images"

    def __init__(
        self, patterns: str | Sequence[str], fps: float = 15.0, loop: bool = False
    ) -> None:
        patterns = [patterns] if isinstance(patterns, str) else list(patterns)
        super().__init__(" ".join(patterns))
        self.fps = fps
        self.paths, self.passed_over = list_images(patterns)
        self.loop = loop
        self.frame_count = None if loop else len(self.paths)

    def open(self) -> None:
        """Warn of what is passed over."""
        seen = [name for name in self.passed_over if not os.path.basename(name).startswith(".")]
        if seen:
            more = f" and {len(seen) - NAMED} more" if len(seen) > NAMED else ""
            log.warning(
                "--images: %d entries are no images and are passed over: %s%s",
                len(seen), ", ".join(os.path.basename(name) for name in seen[:NAMED]), more,
            )  # fmt: skip

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Images in natural order; see :meth:`Source.frames`."""
        if self.loop:
            yield from loop_frames(self._read_once, stop, self.fps)
        else:
            yield from self._read_once(stop)

    def _read_once(self, stop: threading.Event) -> Iterator[Frame]:
        assert self.fps
        unreadable_before = self.unreadable
        for index, path in enumerate(self.paths):
            if stop.is_set():
                return
            started = time.perf_counter()
            picture = read_picture(path)
            if picture is None:
                self.unreadable += 1
                log.warning("%s cannot be read as an image; it is skipped", path)
                continue
            if picture.kind:
                self.warn_of_values(picture.kind)
                self.values[picture.kind] = self.values.get(picture.kind, 0) + 1
            capture_ms = (time.perf_counter() - started) * 1e3
            stem, time_s = Path(path).stem, index / self.fps
            yield Frame(index, time_s, picture.image_bgr, stem, capture_ms, started, path=path)
        if self.unreadable - unreadable_before == len(self.paths):
            raise UserError(
                f"none of the {len(self.paths)} files of {self.name} can be read as an image; "
                "give JPEG, PNG, BMP, WebP, AVIF or TIFF files"
            )

    def input_paths(self) -> list[str]:
        """Every image of the list."""
        return list(self.paths)


def list_images(patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The image files that folders, globs and file names stand for, each once, in natural order.

    What a glob or a name matches is taken as it is; folders are looked through.

    Returns:
        The images, and the entries of the folders that are none.

    Raises:
        UserError: A pattern stands for nothing.
    """
    found: dict[str, None] = {}
    passed_over: dict[str, None] = {}
    for pattern in patterns:
        if pattern and os.path.isdir(pattern):
            images, others = _look_through(pattern)
            passed_over.update(dict.fromkeys(others))
        else:
            images = _expand(pattern)
        found.update(dict.fromkeys(images))
    others = sorted((path for path in passed_over if path not in found), key=natural_key)
    return sorted(found, key=natural_key), others


def _look_through(folder: str) -> tuple[list[str], list[str]]:
    """The images of a folder, and its other entries (folders end in a slash)."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise UserError(f"--images {folder} cannot be listed ({error.strerror})") from None
    images, others = [], []
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not name.startswith(".") and _is_image(path):
            images.append(path)
        else:
            others.append(path + "/" if os.path.isdir(path) else path)
    if not images:
        raise UserError(
            f"--images {folder} holds no image ({len(names)} other entries); expected files such "
            "as JPEG, PNG, BMP, WebP, AVIF or TIFF (subfolders are not searched; "
            f"for those give '{os.path.join(folder, '**', '*.jpg')}')"
        )
    return images, others


def _is_image(path: str) -> bool:
    return path.lower().endswith(IMAGE_ENDINGS) or is_picture(path)


def _expand(pattern: str) -> list[str]:
    if not pattern:
        raise UserError("--images is empty; give a folder or a glob such as 'frames/*.jpg'")
    if os.path.isfile(pattern):
        return [pattern]
    if glob.has_magic(pattern):
        paths = [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]
        if paths:
            return paths
        raise UserError(f"--images {pattern} matches no file; check the pattern")
    raise UserError(f"--images {pattern} does not exist; give a folder or a glob of images")


def natural_key(path: str) -> list[tuple[int, int | str]]:
    """A sort key by which ``frame2`` comes before ``frame10``."""
    parts = re.split(r"(\d+)", path)
    return [(0, int(part)) if part.isdecimal() else (1, part.lower()) for part in parts]
