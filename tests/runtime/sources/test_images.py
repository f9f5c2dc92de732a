"""Still images as a source."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.errors import UserError
from runtime.sources import ImageSource
from runtime.sources.images import list_images, natural_key
from tests.support.clips import draw_scene, write_clip


def read_all(source: ImageSource) -> list:
    return list(source.frames(threading.Event()))


def test_natural_order() -> None:
    names = ["f10.jpg", "f2.jpg", "F1.jpg", "f02b.jpg", "f٣.jpg"]
    assert sorted(names, key=natural_key)[:3] == ["F1.jpg", "f2.jpg", "f02b.jpg"]
    assert natural_key("a2/b10") < natural_key("a10/b2")


def test_folder_takes_images_only_and_globs_take_what_they_match(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.png"):
        cv2.imwrite(str(tmp_path / "x.png"), draw_scene(0))
        (tmp_path / "x.png").rename(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    found, others = list_images([str(tmp_path)])
    assert [Path(p).name for p in found] == ["a.png", "b.JPG"]
    assert [os.path.relpath(p, tmp_path) for p in others] == [
        ".hidden.png", "folder.png", "notes.txt",
    ]  # fmt: skip
    found, _ = list_images([str(tmp_path / "*")])
    assert [Path(p).name for p in found] == ["a.png", "b.JPG", "notes.txt"]
    both, _ = list_images([str(tmp_path / "a.png"), str(tmp_path)])
    assert [Path(p).name for p in both] == ["a.png", "b.JPG"]  # each once


@pytest.mark.parametrize("pattern", ["", "nowhere", "nowhere/*.jpg"])
def test_nothing_found_is_the_users_error(pattern: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError):
        ImageSource(pattern)


def test_empty_folder_says_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(UserError, match="holds no image"):
        ImageSource(str(tmp_path))


def test_a_folder_is_read_by_content_and_tells_what_it_passed_over(tmp_path: Path, caplog) -> None:
    """OpenCV 5.0 and PyAV 18.1 tell all of these by their first bytes."""
    scene = draw_scene(0)
    names = ["a.jfif", "b.jpe", "c", "d.data", "e.JPG", "f.pnm", "g.txt"]
    for name, ending in zip(names, [".jpg", ".jpg", ".png", ".bmp", ".jpg", ".ppm", ".webp"],
                            strict=True):  # fmt: skip
        (tmp_path / name).write_bytes(cv2.imencode(ending, scene)[1].tobytes())
    row = scene[..., ::-1].transpose(2, 0, 1)[:, ::-1]  # SGI: planes, from the bottom
    head = b"\x01\xda\0\x01\0\x03" + bytes((0, 128, 0, 96, 0, 3)) + bytes(3) + b"\0\xff"
    (tmp_path / "h.sgi").write_bytes(head.ljust(512, b"\0")[:512] + row.tobytes())
    (tmp_path / "notes.txt").write_text("no picture")
    write_clip(tmp_path / "clip.mp4", 3)
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (tmp_path / "more").mkdir()
    source = ImageSource(str(tmp_path))
    with caplog.at_level("WARNING", logger="mgca"):
        source.open()
    assert [frame.stem for frame in read_all(source)] == [*map(lambda n: Path(n).stem, names), "h"]
    passed = sorted(os.path.relpath(path, tmp_path) for path in source.passed_over)
    assert passed == [".DS_Store", "clip.mp4", "more", "notes.txt"]
    (record,) = caplog.records
    assert "3 entries" in record.getMessage() and "clip.mp4" in record.getMessage()
    assert ".DS_Store" not in record.getMessage() and source.unreadable == 0


def test_every_kind_of_pixel_becomes_bgr_bytes(tmp_path: Path) -> None:
    scene = draw_scene(3)
    grey = cv2.cvtColor(scene, cv2.COLOR_BGR2GRAY)
    alpha = np.dstack([scene, np.zeros_like(grey)])
    cv2.imwrite(str(tmp_path / "1.png"), grey)
    cv2.imwrite(str(tmp_path / "2.png"), alpha)
    cv2.imwrite(str(tmp_path / "3.png"), scene.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "4.bmp"), scene)
    cv2.imwrite(str(tmp_path / "5.webp"), scene, [cv2.IMWRITE_WEBP_QUALITY, 101])
    frames = read_all(ImageSource(str(tmp_path)))
    assert [frame.stem for frame in frames] == ["1", "2", "3", "4", "5"]
    assert all(f.image_bgr.shape == (96, 128, 3) and f.image_bgr.dtype == np.uint8 for f in frames)
    assert (frames[0].image_bgr == grey[..., None]).all()
    for frame in frames[1:]:
        assert (frame.image_bgr == scene).all()


def test_exif_orientation_turns_the_picture(tmp_path: Path) -> None:
    _, encoded = cv2.imencode(".jpg", draw_scene(0))
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # orientation 6
    segment = b"Exif\0\0" + tiff
    data = encoded.tobytes()
    exif = b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
    (tmp_path / "a.jpg").write_bytes(data[:2] + exif + data[2:])
    (frame,) = read_all(ImageSource(str(tmp_path)))
    assert frame.size_wh == (96, 128)


def test_unreadable_images_are_skipped_counted_and_keep_their_number(
    tmp_path: Path, caplog
) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), draw_scene(0))
    (tmp_path / "2.png").write_bytes(b"no png at all")
    (tmp_path / "3.png").write_bytes(b"")
    cv2.imwrite(str(tmp_path / "4.png"), draw_scene(1))
    source = ImageSource(str(tmp_path), fps=10)
    caplog.set_level("WARNING")
    caplog.set_level("WARNING", logger="mgca")
    frames = read_all(source)
    assert [(f.index, f.stem, f.time_s) for f in frames] == [(0, "1", 0.0), (3, "4", 0.3)]
    assert source.unreadable == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


def test_only_unreadable_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(UserError, match="none of the 1 files"):
        read_all(ImageSource(str(tmp_path)))
