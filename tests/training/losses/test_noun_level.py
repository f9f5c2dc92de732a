"""The noun-level losses against values worked by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from tests.support.whole_batch import noun_terms  # noqa: E402
from training.losses.noun_level import (  # noqa: E402
    NounConfig,
    choose_nouns,
    noun_loss,
    share_nouns,
    share_patches,
)

NOUNS = torch.eye(3)
SCALE = math.log(2.0)  # a patch that is one noun's embedding chooses it with 2 / (2 + 1 + 1)


@pytest.mark.parametrize(
    ("patches", "named", "cover", "presence"),
    [
        # Two patches that say noun 0, which is named: 1/2 each.
        ([[0, 0]], [[True, False, False]], -math.log(0.5), -math.log(0.5)),
        # Nouns 0 and 1 named: a patch learns 2/3 of what it says most and 1/3 of the other, which
        # it gives 1/2 and 1/4; the best patch of either says 1/2.
        ([[0, 1]], [[True, True, False]], 4 / 3 * math.log(2.0), -math.log(0.5)),
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


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        (0.0, [[2 / 3, 1 / 3], [2 / 3, 1 / 3], [2 / 3, 1 / 3], [1 / 3, 2 / 3]]),
        # Noun 0 has 7/12 of the image, noun 1 has 5/12: their claims are divided by that.
        (1.0, [[10 / 17, 7 / 17], [10 / 17, 7 / 17], [10 / 17, 7 / 17], [5 / 19, 14 / 19]]),
    ],
)
def test_a_noun_with_little_area_claims_more(balance, expected):
    chosen_bpu = torch.tensor([[[0.5, 0.25, 0.25]] * 3 + [[0.25, 0.5, 0.25]]])
    named_bu = torch.tensor([[1.0, 1.0, 0.0]])
    target_bpu, weight_bp = share_patches(chosen_bpu, named_bu, 0.25, balance)
    assert target_bpu[0, :, :2].tolist() == [pytest.approx(row) for row in expected]
    assert target_bpu[0, :, 2].tolist() == [0.0] * 4
    # 3/4 covered: 0.75 / (0.25 + 0.75 * 0.75)
    assert weight_bp[0].tolist() == pytest.approx([0.75 / 0.8125] * 4)


@pytest.mark.parametrize(
    ("omission", "expected"),
    [
        (0.0, [1.0, 0.0, 0.0]),
        # What is not named keeps a tenth of its claim: 1/2 beside 1/40 and 1/40.
        (0.1, [10 / 11, 1 / 22, 1 / 22]),
        (1.0, [0.5, 0.25, 0.25]),
    ],
)
def test_what_captions_leave_out_keeps_a_claim(omission, expected):
    chosen_bpu = torch.tensor([[[0.5, 0.25, 0.25]]])
    named_bu = torch.tensor([[1.0, 0.0, 0.0]])
    target_bpu, _ = share_patches(chosen_bpu, named_bu, 0.005, 0.0, omission)
    assert target_bpu[0, 0].tolist() == pytest.approx(expected)


def test_settled_targets_are_what_is_learned():
    # Patch 1 says noun 1; what looks like it (patch 0) says noun 0, and that is what it learns.
    patches_bpd = NOUNS[torch.tensor([[0, 1]])].clone().requires_grad_()
    named = torch.tensor([[True, True, False]])
    first = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    cover, _ = noun_loss(
        patches_bpd, NOUNS, named, scale=10.0, balance=0.0, settle=lambda target: first @ target
    )
    cover.backward()
    assert patches_bpd.grad[0, 1, 0] < -0.1  # towards noun 0; length does not count
    plain = noun_loss(patches_bpd.detach(), NOUNS, named, scale=10.0, balance=0.0)[0]
    assert float(cover.detach()) > 100 * float(plain)


def test_a_sure_patch_of_something_unnamed_is_let_be():
    patches_bpd = NOUNS[torch.tensor([[0]])].clone().requires_grad_()
    named = torch.tensor([[False, True, False]])
    cover, _ = noun_loss(patches_bpd, NOUNS, named, scale=50.0, tolerance=0.01)
    cover.backward()
    assert float(cover.detach()) < 1e-6
    assert float(patches_bpd.grad.abs().max()) < 1e-6


def test_a_batch_without_nouns_costs_nothing():
    cover, presence = noun_loss(torch.randn(2, 3, 4), torch.randn(1, 4), torch.zeros(2, 1).bool())
    assert float(cover) == float(presence) == 0.0


def test_shares_that_are_there_already_are_not_found_again():
    torch.manual_seed(0)
    patches, named = torch.randn(2, 6, 3), torch.tensor([[True, True, False], [False, True, True]])
    config = NounConfig(noun_balance=0.4, noun_omission=0.15)

    def settle(target):
        return target.mean(1, keepdim=True).expand_as(target)

    found = noun_terms(patches, NOUNS, named, config, settle)
    shares = share_nouns(choose_nouns(patches, NOUNS), named, config, settle)
    given = noun_terms(patches, NOUNS, named, config, None, shares)
    for name, loss in found.items():
        assert given[name].item() == pytest.approx(loss.item(), abs=1e-6)
    other = noun_terms(patches, NOUNS, named, config, None)
    assert other["cover"].item() != pytest.approx(found["cover"].item(), abs=1e-3)


@pytest.mark.parametrize(
    ("discount", "chosen"),
    [
        # Noun 1 is a little ahead on all patches, noun 0 is not far behind on the first alone.
        (0.0, [1, 1, 1, 1]),
        (0.5, [0, 1, 1, 1]),
    ],
)
def test_what_a_whole_image_suits_is_discounted(discount, chosen):
    patches = torch.tensor([[[0.68, 0.72, 0.1], *[[0.0, 0.72, 0.1]] * 3]])
    probabilities = choose_nouns(patches, NOUNS, discount)
    assert probabilities.argmax(-1).tolist() == [chosen]
    assert torch.allclose(probabilities.sum(-1), torch.ones(1, 4))


def test_a_discount_of_one_leaves_an_image_of_one_patch_undecided():
    probabilities = choose_nouns(torch.randn(2, 1, 3), NOUNS, 1.0)
    assert torch.allclose(probabilities, torch.full((2, 1, 3), 1 / 3), atol=1e-5)
