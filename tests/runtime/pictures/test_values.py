"""The depth of samples, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.pictures.values import ValueRange, depth_of, encode_srgb


@pytest.mark.parametrize(
    ("top", "bits"),
    [(1, 8), (255, 8), (256, 10), (1023, 10), (1024, 12), (4095, 12), (4096, 14), (16383, 14),
     (16384, 16), (65535, 16), (257, 16), (514, 16)],
)  # fmt: skip
def test_the_largest_sample_tells_the_depth(top: int, bits: int) -> None:
    assert depth_of(np.array([[0, top]], np.uint16)) == bits


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_every_depth_gives_the_same_bytes(bits: int) -> None:
    white = 2**bits - 1
    samples = np.array([[0, white // 2, white]], np.uint16)
    values = ValueRange()
    assert values.to_bytes(samples).tolist()[0] == pytest.approx([0, 127, 255], abs=1)
    assert values.met == {f"{bits} bits in 16" if bits < 16 else "16 bits": 1}


def test_bytes_stay_as_they_are() -> None:
    values, image = ValueRange(), np.array([[0, 7, 255]], np.uint8)
    assert values.to_bytes(image) is image and values.met == {}


def test_a_dark_picture_of_a_series_is_not_brightened() -> None:
    values = ValueRange(steady=True)
    values.to_bytes(np.array([[4095]], np.uint16))
    assert values.to_bytes(np.array([[410]], np.uint16)).tolist() == [[26]]
    assert values.met == {"12 bits in 16": 2}


@pytest.mark.parametrize(
    ("samples", "shown", "kind"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255], "float, white 1"),
        ([0.0, 0.5, 1.2], [0, 128, 255], "float, white 1"),  # what a filter overshoots
        ([0.0, 127.0, 255.0], [0, 127, 255], "float, white 255"),
        ([0.0, 25700.0, 65535.0], [0, 100, 255], "float, white 65535"),
        ([-1.0, np.nan, 1.0], [0, 0, 255], "float, white 1"),
    ],
)
def test_floats_by_rule(samples: list[float], shown: list[int], kind: str) -> None:
    values = ValueRange()
    assert values.to_bytes(np.array([samples], np.float32)).tolist() == [shown]
    assert list(values.met) == [kind]


def test_light_is_encoded_for_a_screen() -> None:
    """A grey card of 18 % of the light is 118 of 255 in sRGB (IEC 61966-2-1)."""
    light = np.array([[0.0, 0.18, 1.0]], np.float32)
    assert np.rint(encode_srgb(light) * 255).tolist() == [[0, 118, 255]]
    assert ValueRange().to_bytes(light, linear=True).tolist() == [[0, 118, 255]]
    assert ValueRange().to_bytes(light * 8, linear=True).tolist()[0][2] == 255


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="no known range"):
        ValueRange().to_bytes(np.array([[1e9]], np.float32))
    with pytest.raises(ValueError, match="no picture"):
        ValueRange().to_bytes(np.array([[True]]))


def test_signed_and_wide_integers() -> None:
    assert ValueRange().to_bytes(np.array([[-5, 0, 255]], np.int16)).tolist() == [[0, 0, 255]]
    assert ValueRange().to_bytes(np.array([[2**32 - 1]], np.uint32)).tolist() == [[255]]
