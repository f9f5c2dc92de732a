"""Training and running read the same pictures alike.

With Pillow's ``convert("RGB")``, which training used, a 16-bit grey PNG became white and EXIF
orientation was ignored (Pillow 13.0). The truth of each file is the scene it was made of.
"""

from __future__ import annotations

import io
import threading

import cv2
import numpy as np
import pytest

pytest.importorskip("webdataset")
torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from runtime.sources.images import ImageSource  # noqa: E402
from tests.support.clips import draw_scene  # noqa: E402
from tests.support.shards import write_shard  # noqa: E402
from training.data import crops, pictures  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.pictures import is_cut_off, read_picture  # noqa: E402
from training.data.shards.find import check_shards  # noqa: E402
from training.data.shards.source import shard_batches  # noqa: E402

SCENE = draw_scene(3)  # BGR
GREY = cv2.cvtColor(SCENE, cv2.COLOR_BGR2GRAY)
GREY3 = cv2.cvtColor(GREY, cv2.COLOR_GRAY2BGR)
# What undoes each EXIF orientation (EXIF 2.3, tag 0x0112): how the stored rows lie.
TURNS = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[:, ::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[::-1].swapaxes(0, 1),
}


def by_opencv(ending, image):
    return cv2.imencode(ending, image)[1].tobytes()


def by_pillow(kind, mode="RGB", **options):
    file = io.BytesIO()
    image = Image.fromarray(SCENE[..., ::-1]).convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(GREY))
    image.save(file, kind, **options)
    return file.getvalue()


def turned(orientation, kind="JPEG"):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    stored = np.ascontiguousarray(TURNS[orientation](SCENE[..., ::-1]))
    Image.fromarray(stored).save(file, kind, exif=exif, quality=95)
    return file.getvalue()


def deep(image, bits):
    return np.rint(image * ((2**bits - 1) / 255)).astype(np.uint16)


FILES = {
    "plain.jpg": (lambda: by_opencv(".jpg", SCENE), SCENE),
    "grey16.png": (lambda: by_opencv(".png", deep(GREY, 16)), GREY3),
    "grey12in16.png": (lambda: by_opencv(".png", deep(GREY, 12)), GREY3),
    "color12in16.tiff": (lambda: by_opencv(".tiff", deep(SCENE, 12)), SCENE),
    "color10in16.ppm": (lambda: by_opencv(".ppm", deep(SCENE, 10)), SCENE),
    "alpha.png": (lambda: by_pillow("PNG", "RGBA"), SCENE),
    "grey_alpha.png": (lambda: by_pillow("PNG", "LA"), GREY3),
    "grey.jpg": (lambda: by_pillow("JPEG", "L"), GREY3),
    "palette.png": (lambda: by_pillow("PNG", "P"), None),
    "palette.gif": (lambda: by_pillow("GIF", "P"), None),
    "bit.png": (lambda: by_pillow("PNG", "1"), None),
    "cmyk.jpg": (lambda: by_pillow("JPEG", "CMYK", quality=95), SCENE),
    "cmyk.tiff": (lambda: by_pillow("TIFF", "CMYK"), None),
    "float.tiff": (lambda: by_opencv(".tiff", SCENE.astype(np.float32) / 255), SCENE),
    "float255.tiff": (lambda: by_opencv(".tiff", SCENE.astype(np.float32)), SCENE),
    "light.hdr": (lambda: by_opencv(".hdr", (SCENE / 255.0).astype(np.float32)), None),
    "lossless.webp": (lambda: by_pillow("WEBP", lossless=True), SCENE),
    "alpha.webp": (lambda: by_pillow("WEBP", "RGBA"), SCENE),
    "still.avif": (lambda: by_pillow("AVIF", quality=95), SCENE),
    "mark.tga": (lambda: by_pillow("TGA"), SCENE),
    "wave.jp2": (lambda: by_pillow("JPEG2000"), SCENE),
    **{f"turn{n}.jpg": (lambda n=n: turned(n), SCENE) for n in TURNS},
    "turn6.png": (lambda: turned(6, "PNG"), SCENE),
    "turn5.webp": (lambda: turned(5, "WEBP"), SCENE),
}


@pytest.mark.parametrize("name", FILES)
def test_both_sides_see_the_same_pixels(tmp_path, monkeypatch, name):
    try:
        content, truth_bgr = FILES[name][0](), FILES[name][1]
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {name}")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).write_bytes(content)
    (frame,) = ImageSource(str(folder)).frames(threading.Event())

    stem = name.partition(".")[0]
    shard = write_shard(tmp_path / "a.tar", [(name, content), (f"{stem}.txt", "1")])
    check_shards([shard])
    monkeypatch.setattr(crops, "crop_and_resize", lambda image, *_: image)
    (batch,) = shard_batches(
        shards=shard, steps=1, batch=1, cropping=crops.Cropping((8, 8)), seed=0, workers=0,
        collate=Collate(lambda texts: torch.tensor([[int(text)] for text in texts])),
    )  # fmt: skip
    trained_rgb = batch.images_bhw3[0].numpy()
    assert np.array_equal(trained_rgb[..., ::-1], frame.image_bgr)
    if truth_bgr is not None:
        assert trained_rgb.shape == truth_bgr.shape
        assert np.abs(trained_rgb[..., ::-1].astype(int) - truth_bgr).mean() < 6


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tiff", ".bmp", ".jp2", ".ppm"])
@pytest.mark.parametrize("lost", [0.5, 0.01])
def test_cut_off_pictures_are_left_out(ending, lost):
    """Of a cut-off JPEG both OpenCV 4.10 and FFmpeg 8 give a picture, grey from there on."""
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    content = by_opencv(ending, noise)
    assert read_picture(content) is not None
    assert read_picture(content[: int(len(content) * (1 - lost))]) is None


def test_the_end_of_a_thumbnail_is_not_the_picture_s():
    thumbnail = by_opencv(".jpg", SCENE[::4, ::4])
    content = by_opencv(".jpg", SCENE)
    length = (len(thumbnail) + 2).to_bytes(2, "big")
    content = content[:2] + b"\xff\xe2" + length + thumbnail + b"\xff\xff" + content[3:]
    assert not is_cut_off(content)
    assert is_cut_off(content[:-200])
    # What cameras append after the end is no harm.
    assert not is_cut_off(content + b"\xff\xda some video")
    assert read_picture(content + b"\xff\xda some video") is not None


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"GIF89a", b"hello" * 99])
def test_what_is_no_picture(content):
    assert read_picture(content) is None


def test_a_header_that_promises_too_many_pixels_is_not_decoded(monkeypatch):
    """A few kilobytes would become gigabytes in every worker."""
    monkeypatch.setattr(pictures, "decode_picture", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", SCENE.shape[0] * SCENE.shape[1] // 2 - 1)
    assert read_picture(by_opencv(".png", SCENE)) is None
