"""The frames that parity is measured on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from export.even_spacing import evenly_spaced
from export.parity.frames import draw_demo_frames, read_image_folder
from export.progress import show_bar
from runtime.errors import UserError
from runtime.pictures import read_picture


def test_evenly_spaced() -> None:
    assert evenly_spaced(10, 3) == [0, 4, 9]
    assert evenly_spaced(3, 10) == [0, 1, 2]
    assert evenly_spaced(5, 1) == [0]


def test_images_are_read_as_rgb_in_order(tmp_path: Path) -> None:
    for name, blue in (("b.png", 20), ("a.PNG", 10), ("c.png", 30)):
        image = np.zeros((4, 6, 3), np.uint8)
        image[..., 0] = blue  # OpenCV writes BGR
        cv2.imwrite(str(tmp_path / name), image)
    (tmp_path / "notes.txt").write_text("no image")
    frames = read_image_folder(tmp_path, 2)
    assert [frame.name for frame in frames] == ["a.PNG", "c.png"]
    assert frames[0].image_hw3[0, 0].tolist() == [0, 0, 10]
    assert frames[0].labels_hw is None


def test_images_are_read_as_the_runtime_reads_them(tmp_path: Path) -> None:
    """By content, and 12 bits in 16 as what they are; OpenCV 5.0 alone makes them nearly black."""
    image = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    deep = np.rint(image * (4095 / 255)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    (tmp_path / "a.png").rename(tmp_path / "picture")
    (frame,) = read_image_folder(tmp_path, 2)
    picture = read_picture(str(tmp_path / "picture"))
    assert picture is not None
    assert np.array_equal(frame.image_hw3[..., ::-1], picture.image_bgr)
    assert np.array_equal(frame.image_hw3, np.repeat(image[..., None], 3, axis=2))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        read_image_folder(tmp_path / "absent", 3)
    with pytest.raises(UserError, match="no images"):
        read_image_folder(tmp_path, 3)


def test_demo_frames_come_with_their_truth() -> None:
    (frame,) = draw_demo_frames(1, show_bar)
    assert frame.image_hw3.shape == (480, 640, 3)
    assert frame.labels_hw is not None
    assert frame.labels_hw.shape == (480, 640)
    assert len(np.unique(frame.labels_hw)) > 4
