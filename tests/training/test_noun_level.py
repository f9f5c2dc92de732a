"""The noun-level losses against values worked by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from training.losses.noun_level import noun_loss  # noqa: E402

NOUNS = torch.eye(3)
SCALE = math.log(2.0)  # a patch that is one noun's embedding chooses it with 2 / (2 + 1 + 1)


@pytest.mark.parametrize(
    ("patches", "named", "cover", "presence"),
    [
        # Two patches that say noun 0, which is named: 1/2 each.
        ([[0, 0]], [[True, False, False]], -math.log(0.5), -math.log(0.5)),
        # Nouns 0 and 1 named: 3/4 of each patch is covered; the best patch of either says 1/2.
        ([[0, 1]], [[True, True, False]], -math.log(0.75), -math.log(0.5)),
        # Noun 2 named but nowhere chosen: 1/4.
        ([[0, 1]], [[False, False, True]], -math.log(0.25), -math.log(0.25)),
        # The second image names nothing and counts for nothing.
        (
            [[0, 0], [1, 1]],
            [[True, False, False], [False, False, False]],
            -math.log(0.5),
            -math.log(0.5),
        ),
        ([[0, 1]], [[False, False, False]], 0.0, 0.0),
    ],
)
def test_by_hand(patches, named, cover, presence):
    patches_bpd = NOUNS[torch.tensor(patches)] * 7.0  # length does not matter
    found = noun_loss(
        patches_bpd, NOUNS, torch.tensor(named), scale=SCALE, tolerance=1e-7, smallest=0.5
    )
    assert [float(value) for value in found] == pytest.approx([cover, presence], abs=1e-5)


def test_presence_reads_the_few_best_patches():
    patches_bpd = NOUNS[torch.tensor([[1, 0, 0, 0]])]
    named = torch.tensor([[False, True, False]])
    _, one = noun_loss(patches_bpd, NOUNS, named, scale=SCALE, smallest=0.25)
    _, half = noun_loss(patches_bpd, NOUNS, named, scale=SCALE, smallest=0.5)
    assert float(one) == pytest.approx(-math.log(0.5))
    assert float(half) == pytest.approx(-math.log((0.5 + 0.25) / 2))


def test_a_sure_patch_of_something_unnamed_is_let_be():
    patches_bpd = NOUNS[torch.tensor([[0]])].clone().requires_grad_()
    named = torch.tensor([[False, True, False]])
    cover, _ = noun_loss(patches_bpd, NOUNS, named, scale=50.0, tolerance=0.01)
    cover.backward()
    assert float(cover.detach()) == pytest.approx(-math.log(0.01), rel=1e-3)
    assert float(patches_bpd.grad.abs().max()) < 1e-6


def test_a_batch_without_nouns_costs_nothing():
    cover, presence = noun_loss(torch.randn(2, 3, 4), torch.randn(1, 4), torch.zeros(2, 1).bool())
    assert float(cover) == float(presence) == 0.0
