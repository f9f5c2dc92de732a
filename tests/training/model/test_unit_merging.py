"""Which units become one: by a cosine, and by how far apart the image's own units are."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.model.unit_length import normalize  # noqa: E402
from training.model.unit_merging import find_leaders  # noqa: E402


def _units(spread: float, width: int) -> torch.Tensor:
    """Five things of four units each, around a direction that all share."""
    generator = torch.Generator().manual_seed(width)
    things = torch.randn(5, width, generator=generator).repeat_interleave(4, 0)
    own = torch.randn(20, width, generator=generator) * 0.2
    common = torch.zeros(width)
    common[0] = width**0.5 / spread
    return normalize(common + things + own, dim=1)


@pytest.mark.parametrize("width", [16, 64, 512])
@pytest.mark.parametrize("spread", [0.02, 0.1, 0.5])
def test_one_setting_serves_every_spread(spread: float, width: int) -> None:
    leaders = find_leaders(_units(spread, width), 0.9, 0.2)
    assert leaders.tolist() == [thing * 4 for thing in range(5) for _ in range(4)]


def test_one_cosine_does_not() -> None:
    counts = [len(find_leaders(_units(spread, 64), 0.9, 0.0).unique()) for spread in (0.02, 0.5)]
    assert counts == [1, 5]


def test_distances_by_hand() -> None:
    """Squared distances of (1, 0), (0, 1), (0, 1): 0, 2, 2; their mean of nine pairs is 8 / 9."""
    means = torch.tensor([[1.0, 0], [0, 1], [0, 1]])
    assert find_leaders(means, 0.9, 2.24).tolist() == [0, 1, 1]
    assert find_leaders(means, 0.9, 2.26).tolist() == [0, 0, 0]


def test_what_is_the_same_is_one() -> None:
    means = normalize(torch.randn(1, 64), dim=1).repeat(6, 1)
    assert find_leaders(means, 2.0, 0.1).tolist() == [0] * 6


def test_empty_slots_have_no_part() -> None:
    means = torch.tensor([[0.0, 0], [1, 0], [0, 1], [0, 0]])
    assert find_leaders(means, 0.9, 1.9).tolist() == [0, 1, 2, 3]
    assert find_leaders(means, 0.9, 2.1).tolist() == [0, 1, 1, 3]
