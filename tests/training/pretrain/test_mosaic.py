"""Tiles of mosaics: put together, taken apart, and seen by pupil and teacher."""

from __future__ import annotations

import copy
import dataclasses

import pytest

torch = pytest.importorskip("torch")

from training.config.run import PretrainConfig  # noqa: E402
from training.data.batches import Batch, normalize_images  # noqa: E402
from training.data.replay import come_again  # noqa: E402
from training.model.dense import DenseEncoder  # noqa: E402
from training.pretrain.mosaic import Mosaic  # noqa: E402
from training.pretrain.objective import ClipObjective  # noqa: E402
from training.pretrain.teacher import NounTeacher  # noqa: E402

TILES = PretrainConfig(
    batch=18, tile_mixing=((1, 1), (1, 1)), patch_dropout=0.0, noun_balance=0.0, mosaic=(3, 3)
)


@pytest.fixture(scope="module")
def batch(noun_batch) -> Batch:
    return noun_batch(0, 18, (32, 24), "tiles")


@pytest.mark.parametrize("tiles_hw", [(1, 1), (2, 3), (3, 3)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_what_is_put_together_comes_apart(tiles_hw, mirrored):
    mosaic = Mosaic(tiles_hw, mirrored)
    tiles = torch.rand(2 * mosaic.tiles, 3, 4, 8)
    mosaics = mosaic.assemble(tiles)
    assert mosaics.shape == (2, 3, 4 * tiles_hw[0], 8 * tiles_hw[1])
    assert torch.equal(mosaic.take_apart(mosaics), tiles)
    # The first tile is the upper left one, of mirrored tiles the upper right one.
    corner = mosaics[0, :, :4, -8:] if mirrored else mosaics[0, :, :4, :8]
    assert torch.equal(corner, tiles[0])


def test_mirrored_tiles_make_the_mirrored_mosaic():
    tiles = torch.rand(9, 3, 4, 8)
    whole = Mosaic((3, 3)).assemble(tiles)
    assert torch.equal(Mosaic((3, 3), mirrored=True).assemble(tiles.flip(3)), whole.flip(3))


@pytest.mark.parametrize("mirrored", [False, True])
def test_tokens_are_found_again(mirrored):
    mosaic = Mosaic((2, 3), mirrored)
    maps = torch.rand(1, 5, 2 * 4, 3 * 2)
    tiles_tpc = mosaic.take_apart(maps).flatten(2).transpose(1, 2)
    tokens_pc = maps[0].flatten(1).T
    assert torch.equal(tokens_pc[mosaic.tokens_of((4, 2), None)], tiles_tpc)
    kept_q = torch.tensor([1, 6])
    assert torch.equal(tokens_pc[mosaic.tokens_of((4, 2), kept_q)], tiles_tpc[:, kept_q])


def test_tiles_that_fill_no_mosaic_are_refused():
    with pytest.raises(ValueError, match="8 images do not fill mosaics of 3x3 tiles"):
        Mosaic((3, 3)).assemble(torch.rand(8, 3, 8, 8))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("kept", [None, [0, 5, 7]])
def test_a_pupil_is_shown_mosaics_and_answers_for_tiles(clip, batch, mirrored, kept):
    if mirrored:
        batch = come_again(batch, 1, mirrored=True)
    clip.eval()
    images = normalize_images(batch.images_bhw3)
    mosaic = Mosaic((3, 3), batch.mirrored)
    dropout = 0.0 if kept is None else 0.75
    objective = ClipObjective(clip, dataclasses.replace(TILES, patch_dropout=dropout))
    with torch.no_grad():
        found_bqd, kept_q = objective._patches(None, images, 0, mosaic)  # type: ignore[arg-type]
        if kept is None:
            whole = DenseEncoder(clip, "tokens")(mosaic.assemble(images)).embeddings_bdhw
            expected = mosaic.take_apart(whole).flatten(2).transpose(1, 2)
            assert kept_q is None
            assert torch.allclose(found_bqd, expected, atol=1e-5)
        else:
            assert found_bqd.shape == (18, 3, 128)
            assert len(kept_q) == 3


def test_mosaics_come_in_the_share_of_steps_asked(clip, batch):
    def losses(share):
        objective = ClipObjective(clip, dataclasses.replace(TILES, mosaic_share=share)).eval()
        return float(objective(batch)["loss"].detach())

    alone = ClipObjective(clip, dataclasses.replace(TILES, mosaic=(1, 1))).eval()
    assert losses(0.0) == float(alone(batch)["loss"].detach())
    assert abs(losses(1.0) - losses(0.0)) > 1e-4
    half = ClipObjective(clip, TILES)
    shown = sum(half._shows_mosaic(seed) for seed in range(200))
    assert 79 <= shown <= 121


def test_a_teacher_sees_tiles_and_mosaics(clip, batch):
    teacher = NounTeacher(copy.deepcopy(clip))
    mosaic = Mosaic((3, 3), batch.mirrored)
    alone = teacher.choose(batch, None)
    both = teacher.choose(batch, None, 0.0, mosaic)
    assert both.shape == alone.shape
    assert not torch.allclose(both, alone, atol=1e-4)
    mirrored = teacher.choose(batch, None, mirrors=True)
    assert not torch.allclose(mirrored, alone, atol=1e-4)
    # Of a mirrored batch the same is said, mirrored.
    again = come_again(batch, 1, mirrored=True)
    found = teacher.choose(again, None, 0.0, Mosaic((3, 3), again.mirrored), mirrors=True)
    turned = teacher.choose(batch, None, 0.0, mosaic).reshape(18, 3, 4, -1).flip(2).flatten(1, 2)
    assert not torch.allclose(found, turned, atol=1e-4)  # one view is mirrored, one is not
    both_ways = teacher.choose(again, None, mirrors=True).reshape(18, 3, 4, -1).flip(2)
    assert torch.allclose(both_ways.flatten(1, 2), alone, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 16}, "batch of 16 images does not fill mosaics of 3x3 tiles"),
        ({"mosaic": (0, 3)}, "mosaic is 0x3"),
        ({"mosaic_share": 1.5}, "mosaic_share is 1.5"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TILES, **settings)
