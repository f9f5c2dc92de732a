"""Tar shards of small pictures, made by the tests themselves."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np


def encode_picture(value: int = 128, ending: str = ".jpg") -> bytes:
    """A grey picture of 24x16 pixels, of one value."""
    image = np.full((16, 24, 3), value, np.uint8)
    return cv2.imencode(ending, image)[1].tobytes()


def write_shard(path: Path, members: Iterable[tuple[str, bytes | str]]) -> str:
    """Write a tar file with these members, in this order; returns its path."""
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return str(path)


def numbered_pairs(count: int, first: int = 0, broken: Iterable[int] = ()) -> list:
    """Members of ``count`` pairs; caption and number of each are the same; some pictures are no
    pictures.
    """
    return [
        member
        for number in range(first, first + count)
        for member in (
            (f"{number:05}.jpg", b"\xff\xd8 cut" if number in broken else encode_picture()),
            (f"{number:05}.txt", str(number)),
        )
    ]
