from __future__ import annotations

import json

import numpy as np
import pytest

from runtime.segment.rle import decode_rle, encode_rle


def masks() -> list[np.ndarray]:
    draw = np.random.default_rng(5)
    found = [
        np.zeros((4, 5), bool),
        np.ones((4, 5), bool),
        np.eye(7, dtype=bool),
        np.ones((1, 1), bool),
        np.zeros((1, 1), bool),
        np.eye(300, 500, dtype=bool),
        np.indices((9, 9)).sum(axis=0) % 2 == 0,
    ]
    for _ in range(300):
        shape = draw.integers(1, 90, size=2)
        found.append(draw.random(shape) < draw.choice([0.01, 0.2, 0.5, 0.9]))
    big = np.zeros((1080, 1920), bool)
    big[100:700, 300:900] = True
    big[500:1000, 800:1900] = True
    found.append(big)
    found.append(np.arange(2_000_000).reshape(1000, 2000) > 1_999_990)
    return found


def test_byte_for_byte_as_pycocotools() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    for mask in masks():
        theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        ours = encode_rle(mask)
        assert ours["counts"].encode() == theirs["counts"]
        assert ours["size"] == list(theirs["size"])
        np.testing.assert_array_equal(coco.decode(dict(ours)).astype(bool), mask)


def test_there_and_back() -> None:
    for mask in masks():
        rle = encode_rle(mask)
        np.testing.assert_array_equal(decode_rle(json.loads(json.dumps(rle))), mask)


def test_by_hand() -> None:
    # Columns: 0 0 | 1 1, runs 2 2; a mask that begins inside has a first run of none.
    assert encode_rle(np.array([[0, 1], [0, 1]])) == {"size": [2, 2], "counts": "22"}
    assert encode_rle(np.array([[1]])) == {"size": [1, 1], "counts": "01"}
    # A run of 40 = 8 + 32: low group 01000 with the continuation bit, then 00001.
    assert encode_rle(np.zeros((40, 1)))["counts"] == chr(48 + 40) + chr(48 + 1)


def test_an_rle_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="RLE holds 4 pixels, its size has 6"):
        decode_rle({"size": [2, 3], "counts": "22"})
