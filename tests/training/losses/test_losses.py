"""The losses against values worked by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from tests.support.whole_batch import (  # noqa: E402
    choose_text,
    object_loss,
    pixel_loss,
    region_loss,
)
from training.losses.alignment import Alignment, Meeting  # noqa: E402
from training.losses.config import LossConfig  # noqa: E402
from training.losses.grains import compare_objects, survey_objects  # noqa: E402
from training.losses.infonce import contrast_pairs  # noqa: E402
from training.losses.negatives import find_false_negatives, weigh_hard_negatives  # noqa: E402
from training.losses.object import ForegroundMask, pool_masked  # noqa: E402
from training.losses.pixel import sample_pixels  # noqa: E402
from training.losses.portions import Place  # noqa: E402
from training.losses.priors import area_prior, total_variation  # noqa: E402
from training.losses.region import grow_regions, sample_seeds  # noqa: E402
from training.losses.text_choice import find_rivals  # noqa: E402

X = [1.0, 0.0]
Y = [0.0, 1.0]
NONE = torch.zeros(2, 2, dtype=torch.bool)
OWNER = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("logits", "ignore", "expected"),
    [
        # All alike: one of two, both ways.
        ([[0.0, 0.0], [0.0, 0.0]], [[False, False], [False, False]], math.log(2)),
        # log(1 + e^-2) on every row and column.
        ([[2.0, 0.0], [0.0, 2.0]], [[False, False], [False, False]], math.log1p(math.exp(-2))),
        # No negatives left: nothing to tell apart.
        ([[0.0, 5.0], [5.0, 0.0]], [[False, True], [True, False]], 0.0),
        # Only image 0 against caption 1 counts: one row and one column of four.
        ([[0.0, 0.0], [9.0, 0.0]], [[False, False], [True, False]], 0.5 * math.log(2)),
    ],
)
def test_contrast_pairs(logits, ignore, expected):
    loss = contrast_pairs(torch.tensor(logits), OWNER, torch.tensor(ignore))
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_an_images_other_captions_are_no_negatives():
    # Image 0 owns captions 0 and 1, which score alike: only caption 2 is a negative of image 0.
    logits = torch.tensor([[3.0, 3.0, 0.0], [0.0, 0.0, 3.0]])
    owner = torch.tensor([0, 0, 1])
    loss = contrast_pairs(logits, owner, torch.zeros(2, 3, dtype=torch.bool))
    one_negative = math.log1p(math.exp(-3))
    two_negatives = math.log1p(2 * math.exp(-3))
    to_caption = (2 * one_negative + two_negatives) / 3
    assert loss.item() == pytest.approx(0.5 * (one_negative + to_caption), abs=1e-6)


def test_hard_negatives_weigh_more_and_keep_the_mean():
    logits = torch.tensor([[0.0, 0.0, 2.0]])
    negative = torch.tensor([[False, True, True]])
    weights = weigh_hard_negatives(logits, negative, strength=0.5).exp()[0]
    # e^0 and e^1, scaled to a mean of one.
    scale = 2 / (1 + math.e)
    assert weights.tolist() == pytest.approx([1.0, scale, math.e * scale], abs=1e-6)


@pytest.mark.parametrize(
    ("clip_logits", "expected"),
    [
        # Captions 0 and 1 say the same: image 0 is no negative of caption 1, nor 1 of 0.
        (None, [[False, True, False], [True, False, False], [False, False, False]]),
        # Caption 2 suits image 0 better (0.6) than its own (0.5): not a negative either.
        (
            [[0.9, 0.1, 0.6], [0.1, 0.9, 0.2], [0.1, 0.1, 0.5]],
            [[False, True, True], [True, False, False], [False, False, False]],
        ),
    ],
)
def test_find_false_negatives(clip_logits, expected):
    text = torch.tensor([X, X, Y])
    clip_logits = None if clip_logits is None else torch.tensor(clip_logits)
    found = find_false_negatives(
        text, torch.tensor([0, 1, 2]), 3, same_cosine=0.9, clip_scores_bj=clip_logits
    )
    assert found.tolist() == expected


def test_an_image_that_says_the_words_itself_is_no_negative():
    # Texts of images 0 and 1; image 1 says text 0 too, image 2 says both, and 1 is its own.
    named = torch.tensor([[True, False], [True, True], [True, True]])
    found = find_false_negatives(
        torch.tensor([X, Y]), torch.tensor([0, 1]), 3, same_cosine=0.9, named_bj=named
    )
    assert found.tolist() == [[False, False], [True, False], [True, True]]


def test_foreground_mask_is_one_half_at_its_threshold():
    mask = ForegroundMask(slope=10.0, threshold=0.3)
    values = mask(torch.tensor([0.3, 0.5, 0.1]))
    sigmoid_2 = 1 / (1 + math.exp(-2))
    assert values.tolist() == pytest.approx([0.5, sigmoid_2, 1 - sigmoid_2], abs=1e-6)


def test_pooling_reads_only_the_mask():
    pixels = torch.tensor([[X, Y, Y]])
    masks = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [1.0, 1.0, 0.0]]])
    half = math.sqrt(0.5)
    assert pool_masked(masks, pixels)[0].flatten().tolist() == pytest.approx(
        [1.0, 0.0, 0.0, 1.0, half, half], abs=1e-6
    )


def test_without_a_mask_the_mean_of_all_pixels_meets_the_text():
    # The first image half of each text, the second all of the second.
    pixels_bnd = torch.tensor([[X, Y], [Y, Y]])
    text_jd = torch.tensor([X, Y])
    similarity_bjn = torch.einsum("jd,bnd->bjn", text_jd, pixels_bnd)
    own_jn = similarity_bjn[OWNER, OWNER]
    seen = Alignment(
        pixels_bnd=pixels_bnd,
        text_kd=text_jd,
        owner_j=OWNER,
        place=Place(rows_j=torch.arange(2), texts=2),
        others_bk=~torch.eye(2, dtype=torch.bool),
        similarity_bkn=similarity_bjn,
        own_jn=own_jn,
        guide_jn=own_jn,
    )
    met = Meeting(owner_k=OWNER, ignore_bk=NONE, order_k=torch.arange(2))
    half = 4 / math.sqrt(2)  # the logit of the first image with either text
    losses = [
        math.log(2),  # image 0 among captions
        math.log1p(math.exp(-4)),  # image 1 among captions
        math.log1p(math.exp(-half)),  # caption 0 among images
        math.log1p(math.exp(half - 4)),  # caption 1 among images
    ]
    config = LossConfig(object_mask="whole", logit_scale=4.0, hard_strength=0.0)
    loss = compare_objects(survey_objects(seen, config, ForegroundMask()), met, config)
    assert loss.item() == pytest.approx(sum(losses) / 4, abs=1e-6)


def test_object_loss_of_a_solved_batch():
    # Two images of one kind of pixel each, captions to match: logits 4 and 0.
    pixels = torch.tensor([[X, X], [Y, Y]])
    text = torch.tensor([X, Y])
    loss = object_loss(torch.ones(2, 2, 2), pixels, text, OWNER, NONE, 4.0, 0.0)
    assert loss.item() == pytest.approx(math.log1p(math.exp(-4)), abs=1e-6)


def test_regions_grow_over_what_is_alike():
    pixels = torch.tensor([[X, X, Y, Y]])
    grown = grow_regions(
        pixels, torch.tensor([0]), torch.tensor([[0, 3]]), sharpness=100.0, cosine=0.5
    )
    assert grown[0].flatten().tolist() == pytest.approx([1.0, 0.0, 0.0, 1.0], abs=1e-6)


def test_region_loss_by_hand():
    # Caption 0 is X: its region X scores 2, its image's background Y 0, the other image's region
    # Y 0. Caption 1 mirrors it.
    regions = torch.tensor([[X], [Y]])
    background = torch.tensor([[Y], [X]])
    loss = region_loss(regions, background, torch.tensor([X, Y]), OWNER, NONE, 2.0, 8)
    assert loss.item() == pytest.approx(math.log1p(2 * math.exp(-2)), abs=1e-6)


def test_region_loss_spares_false_negatives():
    regions = torch.tensor([[X], [Y]])
    ignore = ~torch.eye(2, dtype=torch.bool)
    loss = region_loss(regions, regions.flip(0), torch.tensor([X, Y]), OWNER, ignore, 2.0, 8)
    assert loss.item() == pytest.approx(math.log1p(math.exp(-2)), abs=1e-6)


def test_seeds_fall_inside_the_mask():
    weight = torch.tensor([[0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]])
    seeds = sample_seeds(weight, 2, torch.Generator().manual_seed(0))
    assert [sorted(row) for row in seeds.tolist()] == [[2, 3], [0, 1]]


def test_pixels_are_drawn_from_the_top_and_the_bottom():
    guide = torch.tensor([[0.1, 0.9, 0.5, 0.8], [0.9, 0.1, 0.2, 0.3]])
    top, bottom = sample_pixels(
        guide,
        positives=2,
        top_share=0.5,
        negatives=1,
        bottom_share=0.25,
        generator=torch.Generator().manual_seed(0),
    )
    assert set(top[0].tolist()) <= {1, 3} and set(top[1].tolist()) <= {0, 3}
    assert bottom.tolist() == [[0], [1]]


@pytest.mark.parametrize(
    ("parts", "ignore", "rivals", "expected"),
    [
        # Two images, one text each; parts that are their texts score 2 against 0.
        ([[X], [Y]], False, None, math.log1p(math.exp(-2))),
        # Wrong parts score 0 against 2.
        ([[Y], [X]], False, None, math.log1p(math.exp(2))),
        # The other image's text could be said of this one as well: nothing to choose from.
        ([[X], [Y]], True, None, 0.0),
    ],
)
def test_parts_choose_their_text(parts, ignore, rivals, expected):
    spared = ~torch.eye(2, dtype=torch.bool) if ignore else NONE
    text = torch.tensor([X, Y])
    loss = choose_text(torch.tensor(parts), text, OWNER, spared, 2.0, rivals)
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_texts_of_one_image_are_rivals_where_one_says_more():
    # Both texts are image 0's; pixel 0 is the first's, pixel 1 the second's.
    owner = torch.tensor([0, 0])
    guide = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    right = find_rivals(guide, torch.tensor([[0], [1]]), owner)
    assert right.tolist() == [[[False, True]], [[True, False]]]
    # A pixel drawn for the text that says less of it may not push the other away.
    assert not find_rivals(guide, torch.tensor([[1], [0]]), owner).any()
    spared = torch.zeros(1, 2, dtype=torch.bool)
    loss = choose_text(torch.tensor([[X], [Y]]), torch.tensor([X, Y]), owner, spared, 2.0, right)
    assert loss.item() == pytest.approx(math.log1p(math.exp(-2)), abs=1e-6)


@pytest.mark.parametrize(
    ("ignored", "expected"),
    [(False, math.log1p(math.exp(-1) + math.exp(-2))), (True, math.log1p(math.exp(-2)))],
)
def test_pixel_loss_by_hand(ignored, expected):
    # Positive 1, bottom -1, the other image's best pixel 0, unless the text suits that image too;
    # one of each sampled.
    similarity = torch.tensor([[[1.0, -1.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, -1.0]]])
    own = torch.tensor([[1.0, -1.0], [1.0, -1.0]])
    loss = pixel_loss(
        similarity,
        own,
        OWNER,
        NONE | ignored,
        top_jp=torch.tensor([[0], [0]]),
        bottom_jq=torch.tensor([[1], [1]]),
        logit_scale=1.0,
        hard_negatives=1,
    )
    assert loss.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ([[0.5, 0.5]], 0.0),
        ([[0.0, 0.0]], 0.01),
        ([[1.0, 1.0]], 0.04),
        ([[0.0, 0.0], [1.0, 1.0]], 0.025),
    ],
)
def test_area_prior(mask, expected):
    assert area_prior(torch.tensor(mask), 0.1, 0.8).item() == pytest.approx(expected, abs=1e-6)


def test_total_variation_forgives_image_edges():
    step = torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])
    flat = torch.zeros(1, 3, 2, 2)
    edge = flat.clone()
    edge[..., 1] = 1.0  # squared color distance 3
    assert total_variation(step, flat, 1.0).item() == pytest.approx(1.0)
    assert total_variation(step, edge, 1.0).item() == pytest.approx(math.exp(-3), abs=1e-6)
