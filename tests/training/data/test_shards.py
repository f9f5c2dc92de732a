"""WebDataset shards: real tar files with real JPEGs."""

from __future__ import annotations

import io
import tarfile

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("webdataset")

from runtime.errors import UserError  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.shards import crop_and_resize, find_shards, shard_batches  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402


def add(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


@pytest.fixture
def shards(tmp_path):
    """Two shards of three plainly colored pictures each; the caption names the color."""
    colors = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0)}
    for shard in range(2):
        with tarfile.open(tmp_path / f"{shard:03}.tar", "w") as archive:
            for index, (word, bgr) in enumerate(colors.items()):
                image = np.full((40 + 10 * index, 60, 3), bgr, np.uint8)
                add(archive, f"{shard}{index}.jpg", cv2.imencode(".jpg", image)[1].tobytes())
                add(archive, f"{shard}{index}.txt", f"a {word} wall\n".encode())
    return str(tmp_path / "{000..001}.tar")


def test_pictures_keep_their_captions(shards):
    tokenizer = tokenizer_for(load_clip("mgca-tiny"))
    batches = list(
        shard_batches(
            shards=shards,
            steps=3,
            batch=4,
            size_wh=(32, 24),
            seed=1,
            collate=Collate(tokenizer),
            workers=0,
        )
    )
    assert len(batches) == 3
    expected = {word: tokenizer([f"a {word} wall"])[0] for word in ("red", "green", "blue")}
    for batch in batches:
        assert batch.images_bhw3.shape == (4, 24, 32, 3)
        assert batch.owner_j.tolist() == [0, 1, 2, 3]
        for image, tokens in zip(batch.images_bhw3, batch.tokens_jl, strict=True):
            channel = int(image.float().mean(dim=(0, 1)).argmax())
            assert torch.equal(tokens, expected[("red", "green", "blue")[channel]])


@pytest.mark.parametrize("height_width", [(24, 32), (10, 500), (500, 10), (1, 1), (97, 133)])
def test_crops_have_the_wanted_size(height_width):
    image = np.zeros((*height_width, 3), np.uint8)
    for seed in range(5):
        crop = crop_and_resize(image, (32, 24), np.random.default_rng(seed))
        assert crop.shape == (24, 32, 3)


def test_a_missing_shard_is_named(tmp_path):
    with pytest.raises(UserError, match=r"000\.tar' of --train-data does not exist"):
        find_shards(str(tmp_path / "{000..002}.tar"))
