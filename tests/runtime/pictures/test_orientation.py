"""The eight ways in which a picture can lie."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import numpy as np
import pytest
from av import VideoFrame
from PIL import Image, ImageOps

from runtime.pictures.orientation import read_display_matrix, swaps_sides, turn_upright
from runtime.sources import VideoFile

STORED = np.array([[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        (None, [[1, 2, 3], [4, 5, 6]]),
        ((1, 0, 0, 1), [[1, 2, 3], [4, 5, 6]]),
        ((-1, 0, 0, 1), [[3, 2, 1], [6, 5, 4]]),
        ((-1, 0, 0, -1), [[6, 5, 4], [3, 2, 1]]),
        ((1, 0, 0, -1), [[4, 5, 6], [1, 2, 3]]),
        ((0, 1, 1, 0), [[1, 4], [2, 5], [3, 6]]),
        ((0, 1, -1, 0), [[4, 1], [5, 2], [6, 3]]),
        ((0, -1, -1, 0), [[6, 3], [5, 2], [4, 1]]),
        ((0, -1, 1, 0), [[3, 6], [2, 5], [1, 4]]),
        ((10, 3, -3, 10), [[1, 2, 3], [4, 5, 6]]),  # 17 degrees: the nearest is none
        ((-3, -10, 10, -3), [[3, 6], [2, 5], [1, 4]]),
    ],
)
def test_every_matrix(matrix: tuple[int, int, int, int] | None, shown: list[list[int]]) -> None:
    turned = turn_upright(STORED, matrix)
    assert turned.tolist() == shown
    assert swaps_sides(matrix) == (len(shown) == 3)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turn_is_known_although_pyav_does_not_know_all_that_stands_beside_it(
    tmp_path: Path, orientation: int
) -> None:
    """EXIF beside a frame, which FFmpeg 8.1 gives of JPEG, hides all side data from PyAV 18.1."""
    image = np.kron(np.array([[0, 90, 180], [200, 255, 40]], np.uint8), np.ones((16, 16), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Image.fromarray(np.dstack([image] * 3)).save(path, exif=exif, quality=95)
    upright = ImageOps.exif_transpose(Image.open(path))
    video = VideoFile(str(path))
    video.open()
    (frame,) = video.frames(threading.Event())
    difference = frame.image_bgr.astype(int) - np.asarray(upright).astype(int)
    assert frame.size_wh == upright.size and abs(difference).max() < 8


def test_a_frame_goes_with_its_last_name() -> None:
    """Not only when Python looks for cycles: until then, a hundred frames of a video pile up."""
    gc.disable()
    try:
        # A size that nothing else has: frames of other tests may still live in this process.
        frame = VideoFrame(46, 22, "yuv420p")
        assert read_display_matrix(frame) is None
        assert _count_frames(46, 22) == 1
        del frame
        assert _count_frames(46, 22) == 0
    finally:
        gc.enable()


def _count_frames(width: int, height: int) -> int:
    frames = (one for one in gc.get_objects() if type(one) is VideoFrame)
    return sum((one.width, one.height) == (width, height) for one in frames)
