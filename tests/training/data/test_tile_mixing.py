"""Tiles change places over a batch and come back."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from training.data.tile_mixing import TileShuffle, draw_shuffle  # noqa: E402


def number_images(batch, height, width):
    """(b, 1, h, w), every pixel the number of its image."""
    return torch.arange(batch).reshape(batch, 1, 1, 1).expand(batch, 1, height, width).clone()


def test_a_canvas_holds_tiles_of_several_images_each_at_its_place():
    shuffle = TileShuffle(3, (1, 2), torch.Generator().manual_seed(0))
    shuffle.source_tb = torch.tensor([[0, 1, 2], [2, 0, 1]])
    shuffle.target_tb = shuffle.source_tb.argsort(dim=1)
    image_b1hw = number_images(3, 2, 4) * 10 + torch.arange(4)
    canvases = shuffle.shuffle(image_b1hw)
    assert canvases[:, 0, 0].tolist() == [[0, 1, 22, 23], [10, 11, 2, 3], [20, 21, 12, 13]]
    assert torch.equal(shuffle.restore(canvases), image_b1hw)


@pytest.mark.parametrize("tiles_hw", [(3, 4), (2, 2), (1, 1), (6, 8)])
def test_what_is_shuffled_comes_back(tiles_hw):
    generator = torch.Generator().manual_seed(1)
    shuffle = TileShuffle(5, tiles_hw, generator)
    images = torch.randn(5, 3, 12, 16, generator=generator)
    canvases = shuffle.shuffle(images)
    assert torch.equal(canvases, images) == (tiles_hw == (1, 1))
    assert torch.equal(shuffle.restore(canvases), images)
    # At any resolution the tiles divide.
    fine = images.repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.equal(shuffle.restore(shuffle.shuffle(fine)), fine)
    tokens = canvases.flatten(2).transpose(1, 2)
    expected = images.flatten(2).transpose(1, 2)
    assert torch.equal(shuffle.restore_tokens(tokens, (12, 16)), expected)
    kept = torch.tensor([0, 7, 50, 191])
    assert torch.equal(shuffle.restore_tokens(tokens[:, kept], (12, 16), kept), expected[:, kept])


def test_gradients_go_home_too():
    shuffle = TileShuffle(4, (2, 2), torch.Generator().manual_seed(2))
    images = torch.randn(4, 1, 4, 4, requires_grad=True)
    tokens = shuffle.shuffle(images).flatten(2).transpose(1, 2)
    shuffle.restore_tokens(tokens, (4, 4))[1].sum().backward()
    assert images.grad.flatten(1).sum(1).tolist() == [0.0, 16.0, 0.0, 0.0]


def test_the_seed_decides():
    choices = ((3, 4), (2, 2))
    first, again, other = (draw_shuffle(8, choices, seed) for seed in (5, 5, 6))
    assert first.tiles_hw == again.tiles_hw
    assert torch.equal(first.source_tb, again.source_tb)
    assert first.tiles_hw != other.tiles_hw or not torch.equal(first.source_tb, other.source_tb)


def test_tiles_have_to_divide_the_map():
    shuffle = TileShuffle(2, (3, 4), torch.Generator())
    with pytest.raises(UserError, match="map of 16x10 cannot be cut into 4x3 equal tiles"):
        shuffle.shuffle(torch.zeros(2, 1, 10, 16))
    with pytest.raises(UserError, match="another data"):
        shuffle.restore_tokens(torch.zeros(2, 160, 1), (10, 16))
