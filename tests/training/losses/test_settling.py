"""Maps that follow edges: an image with one edge, and a map that runs over it."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.losses.settling import Settling, neighbour_affinity, refine_maps  # noqa: E402

EDGE = 8  # the first column of the bright half


def two_halves(height: int = 12, width: int = 16) -> torch.Tensor:
    """Dark left of column EDGE, bright from there on: (1, 3, h, w)."""
    image = torch.full((1, 3, height, width), 0.2)
    image[..., EDGE:] = 0.8
    return image


def test_affinity_sums_to_one_and_stays_on_its_side():
    affinity = neighbour_affinity(two_halves())
    assert affinity.shape == (1, 24, 12, 16)
    assert torch.allclose(affinity.sum(1), torch.ones(1, 12, 16))
    # Directions in reading order; number 4 is one pixel to the right, 3 one to the left.
    right, left = affinity[0, 4, 6, EDGE - 1], affinity[0, 3, 6, EDGE - 1]
    assert float(right) < 0.1 * float(left)


def test_a_map_that_spills_over_an_edge_is_drawn_back():
    spilling = torch.zeros(1, 1, 12, 16)
    spilling[..., EDGE - 2 :] = 1.0  # two columns too far
    refined = refine_maps(spilling, neighbour_affinity(two_halves()), 6)[0, 0, 6]
    assert float(refined[EDGE - 1]) < 0.5 < float(refined[EDGE])
    blind = refine_maps(spilling, neighbour_affinity(torch.full((1, 3, 12, 16), 0.5)), 6)[0, 0, 6]
    assert float(blind[EDGE - 1]) > 0.5


def test_no_rounds_change_nothing():
    maps = torch.rand(2, 3, 12, 16)
    assert torch.equal(refine_maps(maps, torch.rand(2, 24, 12, 16), 0), maps)


@pytest.fixture
def settling():
    # 4x coarser patches: columns 0 and 1 dark, 2 and 3 bright.
    return Settling(two_halves(), (3, 4), (12, 16), sharpness=100.0, rounds=2, candidates=2)


def test_settled_targets_are_probabilities_and_agree_within_a_half(settling):
    torch.manual_seed(0)
    target = torch.rand(1, 12 * 16, 5)
    target = target / target.sum(-1, keepdim=True)
    settled = settling.targets(target)
    assert settled.shape == target.shape
    assert torch.allclose(settled.sum(-1), torch.ones(1, 12 * 16), atol=1e-5)
    # Only the two words of most area are told apart.
    assert int((settled[0] > 0).any(0).sum()) == 2
    spread = settled.reshape(12, 16, 5)[:, : EDGE - 4].std(dim=(0, 1)).max()
    assert float(spread) < 0.2 * float(
        target.reshape(12, 16, 5)[:, : EDGE - 4].std(dim=(0, 1)).max()
    )


def test_each_caption_settles_on_its_own_image(settling):
    images = torch.cat([two_halves(), torch.full((1, 3, 12, 16), 0.5)])
    both = Settling(images, (3, 4), (12, 16), sharpness=100.0, rounds=2)
    torch.manual_seed(1)
    own_jn = torch.rand(3, 12 * 16)
    settled = both.own(own_jn, torch.tensor([0, 1, 0]))
    assert torch.allclose(settled[2], settling.own(own_jn[2:], torch.tensor([0]))[0], atol=1e-6)
