"""Encoded pictures: what OpenCV and PyAV read, the right way up, in 8 bits."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.pictures import decode_picture, is_picture, read_picture
from tests.support.clips import draw_scene, write_clip

Image = pytest.importorskip("PIL.Image")
ImageOps = pytest.importorskip("PIL.ImageOps")

SCENE = draw_scene(3)


def encode(kind: str, orientation: int | None = None) -> bytes:
    """The scene as Pillow writes it, with an EXIF orientation where one is given."""
    file, options = io.BytesIO(), {}
    if orientation is not None:
        options["exif"] = exif = Image.Exif()
        exif[0x0112] = orientation
    Image.fromarray(SCENE[..., ::-1]).save(file, kind, **options)
    return file.getvalue()


def difference(found_bgr: np.ndarray, expected_bgr: np.ndarray) -> float:
    assert found_bgr.shape == expected_bgr.shape
    return float(np.abs(found_bgr.astype(int) - expected_bgr).mean())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_exif_orientation(kind: str, orientation: int) -> None:
    """Truth: EXIF 2.3, tag 0x0112, as Pillow 13 applies it (OpenCV 5.0 does not turn AVIF)."""
    try:
        encoded = encode(kind, orientation)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {kind}")
    with Image.open(io.BytesIO(encoded)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))[..., ::-1]
    picture = decode_picture(encoded)
    assert picture is not None and picture.kind == ""
    assert difference(picture.image_bgr, upright) < 5


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM", "GIF", "JPEG2000", "PCX", "SGI", "DDS",
             "QOI", "TGA", "MPO", "AVIF"],
)  # fmt: skip
def test_every_format_is_told_by_its_content(kind: str, tmp_path: Path) -> None:
    try:
        encoded = encode(kind)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {kind}")
    path = tmp_path / "picture.data"
    path.write_bytes(encoded)
    if kind == "TGA":  # has no mark: its name must tell
        path = path.rename(tmp_path / "picture.TGA")
    assert is_picture(str(path))
    picture = read_picture(str(path))
    assert picture is not None and difference(picture.image_bgr, SCENE) < 5


def test_what_is_no_picture(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", 3)
    (tmp_path / "notes.txt").write_text("a picture says more than a thousand words\n" * 50)
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "noise.bin").write_bytes(np.random.default_rng(0).bytes(5000))
    for path in tmp_path.iterdir():
        assert not is_picture(str(path)), path.name
        assert read_picture(str(path)) is None, path.name
    assert read_picture(str(tmp_path / "nowhere.png")) is None
    assert not is_picture(str(tmp_path / "nowhere.png"))


def test_a_damaged_picture_is_none_and_no_crash() -> None:
    for kind in ("JPEG", "PNG", "AVIF", "TIFF", "TGA", "PCX"):
        encoded = encode(kind)
        for length in (1, 30, len(encoded) // 2):
            picture = decode_picture(encoded[:length], ".tga" if kind == "TGA" else "")
            assert picture is None or picture.image_bgr.dtype == np.uint8


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("ending", [".png", ".tiff", ".ppm"])
def test_deep_samples_in_sixteen_bits(ending: str, bits: int) -> None:
    """OpenCV 5.0 keeps the numbers of the file: a sensor's 12 bits would be nearly black."""
    deep = np.rint(SCENE * ((2**bits - 1) / 255)).astype(np.uint16)
    picture = decode_picture(cv2.imencode(ending, deep)[1].tobytes())
    assert picture is not None and difference(picture.image_bgr, SCENE) < 1
    assert picture.kind == ("16 bits" if bits == 16 else f"{bits} bits in 16")


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_float_pictures(white: float) -> None:
    """OpenCV 5.0 gives None for a float TIFF unless it is asked for any depth."""
    encoded = cv2.imencode(".tiff", SCENE.astype(np.float32) * (white / 255))[1].tobytes()
    picture = decode_picture(encoded)
    assert picture is not None and difference(picture.image_bgr, SCENE) < 1
    assert picture.kind == f"float, white {white:g}"


def test_radiance_pictures_hold_light() -> None:
    light = ((SCENE / 255.0 + 0.055) / 1.055) ** 2.4
    picture = decode_picture(cv2.imencode(".hdr", light.astype(np.float32))[1].tobytes())
    assert picture is not None and difference(picture.image_bgr, SCENE) < 4
    assert picture.kind == "float, linear light"
