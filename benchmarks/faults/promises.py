"""What must be true of a folder of outputs after any run, however that run ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from runtime.sinks.label_list import LIST_NAME, read_class_names

VIDEOS = (".mp4", ".mkv")
PICTURES = (".png", ".jpg")

__all__ = ["find_broken", "find_hidden", "frames_of_video"]


def find_broken(folder: Path, seen: dict[Path, tuple[int, int]] | None = None) -> list[str]:
    """Every file under a final name that cannot be read as a whole, and what contradicts itself.

    A line each: the path and what is wrong with it. Of a video, what stands must play: at least
    one frame. Hidden files (``.name.part``) are no output.

    Args:
        folder: of the outputs.
        seen: time and size of files that were whole when they were looked at before, which are not
            read again; filled in.
    """
    found = []
    seen = {} if seen is None else seen
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name.startswith("."):
            continue
        state = path.stat()
        if seen.get(path) == (state.st_mtime_ns, state.st_size):
            continue
        try:
            _check_file(path)
            seen[path] = (state.st_mtime_ns, state.st_size)
        except Exception as error:  # whatever a reader meets is what a user would meet
            found.append(f"{path.relative_to(folder)}: {type(error).__name__}: {error}")
    return [*found, *_check_meanings(folder)]


def find_hidden(folder: Path) -> list[Path]:
    """What was written beside its place and never put there."""
    return [path for path in sorted(folder.rglob(".*")) if path.is_file()]


def frames_of_video(path: Path) -> int:
    """How many frames of a video can be decoded, up to the first error or the end."""
    import av

    count = 0
    with av.open(str(path)) as container:
        try:
            for _ in container.decode(video=0):
                count += 1
        except av.error.FFmpegError:
            pass  # the fragment that was being written
    return count


def _check_file(path: Path) -> None:
    reader = _READERS.get(path.suffix)
    if reader is not None:
        reader(path)


def _read_video(path: Path) -> None:
    if not frames_of_video(path):
        raise ValueError("no frame of it plays")


def _read_picture(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()


def _read_json(path: Path) -> None:
    json.loads(path.read_bytes())


def _read_lines(path: Path) -> None:
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        raise ValueError("its last line is cut off")
    frames = [json.loads(line).get("frame") for line in content.splitlines()]
    numbers = [frame for frame in frames if frame is not None]
    if numbers != sorted(set(numbers)):
        raise ValueError("its frames are out of order")


def _check_meanings(folder: Path) -> Iterator[str]:
    """Label images whose values nobody explains; lists of pictures that are not there."""
    for labels in {path.parent for path in folder.rglob("*.png")}:
        if labels.name == "labels" and not read_class_names(labels):
            yield f"{labels.relative_to(folder)}: label images without {LIST_NAME}"
    for listing in folder.rglob("ImageSets/**/*.txt"):
        data_set = next(parent for parent in listing.parents if parent.name == "ImageSets").parent
        for stem in listing.read_text().splitlines():
            picture = data_set / "JPEGImages" / f"{stem}.jpg"
            if stem and not (
                picture.is_file() and (data_set / "SegmentationClass" / f"{stem}.png").is_file()
            ):
                yield f"{listing.relative_to(folder)}: {stem} is listed and not there"


_READERS: dict[str, Callable[[Path], Any]] = {
    **dict.fromkeys(VIDEOS, _read_video),
    **dict.fromkeys(PICTURES, _read_picture),
    ".json": _read_json,
    ".jsonl": _read_lines,
}
