"""Batches with stored features: what the encoder would have said, and said once."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from tests.support.captioned import number_tokens, write_captioned  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.features import CachedFeatures, FrozenEncoder  # noqa: E402
from training.data.registry import open_source  # noqa: E402
from training.data.source import Span  # noqa: E402
from training.losses.config import LossConfig  # noqa: E402

SPAN = Span(steps=6, start=0, batch=3, captions=1, first_seed=0)


@dataclass(frozen=True)
class Colors:
    mean_b3: Tensor


class Encoder:
    """The mean color of each image; counts the images it has seen."""

    def __init__(self):
        self.seen = 0

    def __call__(self, images_bhw3):
        self.seen += len(images_bhw3)
        return Colors(images_bhw3.float().mean((1, 2)))


def settings(table, **others):
    return DataConfig(captions=table, **{"size_wh": (16, 16), "workers": 0, **others})


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path / "cache"))
    return write_captioned(tmp_path, 4)


def cached(table, encoder, *, views=2, identity="a", seed=0, **others):
    source = open_source(settings(table, **others), seed)
    return CachedFeatures(source, views, FrozenEncoder(encoder, identity))


def read(*arguments, span=SPAN, **others):
    return list(cached(*arguments, **others).batches(span, Collate(number_tokens)))


def test_features_are_those_of_the_images_and_computed_once(table):
    encoder = Encoder()
    batches = read(table, encoder)
    assert encoder.seen == 1 + 8  # one to see what it says
    views = torch.cat([batch.view_b for batch in batches])
    assert len(views) == 18 and 6 <= len(set(views.tolist())) <= 8
    for batch in batches:
        truth = batch.images_bhw3.float().mean((1, 2))
        assert torch.allclose(batch.features.mean_b3, truth, atol=0.1)
        assert torch.equal(batch.view_b // 2, batch.tokens_jl[:, 0])  # the picture's number
    again = read(table, encoder)
    assert encoder.seen == 1 + 8 + 1
    assert torch.equal(again[3].features.mean_b3, batches[3].features.mean_b3)


def test_a_resumed_run_reads_the_same(table):
    whole = read(table, Encoder())
    late = read(table, Encoder(), span=dataclasses.replace(SPAN, start=4))
    for one, other in zip(whole[4:], late, strict=True):
        assert torch.equal(one.images_bhw3, other.images_bhw3)
        assert torch.equal(one.features.mean_b3, other.features.mean_b3)


def test_whatever_changes_the_features_is_computed_anew(tmp_path, table):
    folders = {
        cached(table, Encoder(), **others).folder
        for others in (
            {},
            {"views": 3},
            {"identity": "b"},
            {"seed": 1},
            {"size_wh": (16, 32)},
            {"crop_scale": (0.1, 1.0)},
            {"squashed": True},
        )
    }
    assert len(folders) == 7 and cached(table, Encoder()).folder in folders
    picture = tmp_path / "images/0.png"
    picture.write_bytes(picture.read_bytes() + b"\0")
    assert cached(table, Encoder()).folder not in folders


def test_pictures_that_cannot_be_read_are_stored_as_nothing(tmp_path, table):
    (tmp_path / "images/2.png").write_bytes(b"no picture")
    batches = read(table, Encoder())
    assert 2 not in torch.cat([batch.tokens_jl for batch in batches])
    assert all((batch.features.mean_b3 > 0).all() for batch in batches)


def test_a_folder_of_ones_own(tmp_path, table):
    source = open_source(settings(table), 0)
    made = CachedFeatures(source, 1, FrozenEncoder(Encoder(), "a"), str(tmp_path / "mine"))
    made.open_store()
    assert (made.folder / "mean_b3.f16").stat().st_size == 4 * 3 * 2
    assert made.folder.parent == tmp_path / "mine" and not (tmp_path / "cache").exists()


def test_batches_move_and_copy_with_their_features(table):
    batch = read(table, Encoder())[0]
    for other in (batch.clone(), batch.to(torch.device("cpu"))):
        assert torch.equal(other.features.mean_b3, batch.features.mean_b3)
    assert batch.clone().features.mean_b3.data_ptr() != batch.features.mean_b3.data_ptr()


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"cache_features": -1}, "expected 0 or more"),
        ({"cache_features": 2, "captions": None}, "of the pictures of data.captions"),
        ({"cache_features": 2, "passes": 2}, "stored views come again by themselves"),
    ],
)
def test_settings_that_do_not_go_together(others, message):
    with pytest.raises(ValueError, match=message):
        settings(others.pop("captions", "a.tsv"), **others)


def test_tiles_are_not_mixed_with_stored_features():
    data = settings("a.tsv", cache_features=2)
    with pytest.raises(ValueError, match=r"losses.tile_mixing cuts"):
        TrainConfig(data=data)
    TrainConfig(data=data, losses=LossConfig(tile_mixing=((1, 1), (1, 1))))
