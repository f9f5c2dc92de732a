"""Adaptive semantic units on hand-made feature maps."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.model.unit_length import normalize  # noqa: E402
from training.model.units import AdaptiveUnits, UnitSettings, seed_grid  # noqa: E402


def halves(height: int = 8, width: int = 8) -> torch.Tensor:
    """Left half one embedding, right half another, orthogonal: (2, h, w)."""
    embeddings = torch.zeros(2, height, width)
    embeddings[0, :, : width // 2] = 1.0
    embeddings[1, :, width // 2 :] = 1.0
    return embeddings


def find(embeddings: torch.Tensor, seeds: int = 16, **settings) -> tuple:
    grey = torch.full((3, *embeddings.shape[1:]), 0.5)
    units = AdaptiveUnits(UnitSettings(seeds=seeds, **settings))(embeddings, grey)
    used = units.unit_of_pixel_hw.unique()
    return units, used


def test_two_halves_become_two_units():
    units, used = find(halves())
    assert len(used) == 2
    labels = units.unit_of_pixel_hw
    assert (labels[:, :4] == labels[0, 0]).all()
    assert (labels[:, 4:] == labels[0, 7]).all()
    found = units.embeddings_ud[used]
    assert torch.allclose(found, torch.eye(2), atol=1e-3)


def test_a_plain_image_becomes_one_unit():
    embeddings = torch.zeros(2, 8, 8)
    embeddings[0] = 1.0
    _, used = find(embeddings)
    assert len(used) == 1


def test_without_merging_every_seed_stays():
    _, used = find(halves(), merge_cosine=1.1)
    assert len(used) == 16


def test_merged_units_merge_again():
    """A and B are alike; C is like neither, but like their mean."""
    near, far = torch.tensor(10.0).deg2rad(), torch.tensor(20.0).deg2rad()
    a, b = ([near.cos(), sign * near.sin(), 0.0] for sign in (1, -1))
    c = [far.cos(), 0.0, far.sin()]
    columns_3w = torch.tensor([a, a, b, b, c, c, c, c]).T
    embeddings = columns_3w.unsqueeze(1).expand(3, 8, 8)
    settings = {"merge_cosine": 0.93, "sharpness": 4000.0}
    _, used_once = find(embeddings, **settings)
    twice, used_twice = find(embeddings, merge_rounds=2, **settings)
    assert (len(used_once), len(used_twice)) == (2, 1)
    assert torch.allclose(twice.assignment_nu.sum(1), torch.ones(64), atol=1e-5)
    # Every pixel counts once, however often its unit merged.
    whole_d = normalize(embeddings.sum((1, 2)), dim=0)
    assert torch.allclose(twice.embeddings_ud[used_twice[0]], whole_d, atol=1e-4)


def test_assignment_is_a_share():
    units, _ = find(normalize(torch.randn(6, 8, 8, generator=torch.Generator().manual_seed(1)), 0))
    assert torch.allclose(units.assignment_nu.sum(1), torch.ones(64), atol=1e-5)
    assert (units.assignment_nu >= 0).all()


def test_color_parts_what_embeddings_do_not():
    embeddings = torch.zeros(2, 8, 8)
    embeddings[0] = 1.0
    colors = torch.zeros(3, 8, 8)
    colors[:, :4] = 1.0
    settings = UnitSettings(seeds=16, merge_cosine=1.1, color_weight=2.0, sharpness=60.0)
    labels = AdaptiveUnits(settings)(embeddings, colors).unit_of_pixel_hw
    assert set(labels[:4].flatten().tolist()).isdisjoint(labels[4:].flatten().tolist())


def test_empty_slots_say_nothing():
    units, used = find(halves())
    empty = [slot for slot in range(16) if slot not in used.tolist()]
    assert units.embeddings_ud[empty].abs().max() < 1e-3
    assert units.assignment_nu[:, empty].abs().max() < 1e-6


@pytest.mark.parametrize(
    ("grid_hw", "seeds", "expected"),
    [
        ((48, 64), 48, (6, 8)),
        ((112, 112), 64, (8, 8)),
        ((88, 160), 64, (8, 8)),
        ((4, 4), 99, (4, 4)),
    ],
)
def test_seed_grid_divides_evenly(grid_hw, seeds, expected):
    rows, columns = seed_grid(grid_hw, seeds)
    assert (rows, columns) == expected
    assert grid_hw[0] % rows == 0
    assert grid_hw[1] % columns == 0


def test_a_second_seed_takes_hold_of_what_is_thin():
    """A pole one pixel wide, in the third column of 16, on a wall; four cells of 8 x 8."""
    embeddings = torch.zeros(2, 16, 16)
    embeddings[0] = 1.0
    embeddings[:, :, 2] = torch.tensor([[0.0], [1.0]])
    units, _ = find(embeddings, seeds=4, sharpness=4.0, second_seeds=5.0)
    labels = units.unit_of_pixel_hw
    assert len(units.embeddings_ud) == 8
    (pole,), wall = labels[:, 2].unique(), labels[:, [0, 1, *range(3, 16)]].unique()
    assert pole not in wall
    assert units.embeddings_ud[pole, 1] > 0.9
    # What it is for: a cell's mean alone is nearly wall.
    units, _ = find(embeddings, seeds=4, sharpness=4.0)
    assert len(units.embeddings_ud) == 4
    assert units.embeddings_ud[units.unit_of_pixel_hw[0, 2], 1] < 0.5


@pytest.mark.parametrize("name", ["second_seeds", "space_width"])
def test_settings_below_none(name):
    with pytest.raises(ValueError, match=rf"units\.{name} is -1; expected 0 \(none\) or more"):
        UnitSettings(**{name: -1})


@pytest.mark.parametrize("name", ["seeds", "rounds", "merge_rounds", "sharpness"])
def test_settings_out_of_range(name):
    with pytest.raises(ValueError, match=rf"\b{name} is 0"):
        UnitSettings(**{name: 0})
