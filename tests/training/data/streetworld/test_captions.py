"""Captions: true, without positions, and about everything in turn."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.streetworld import CLASS_NAMES, COLORS, generate_pair, generate_scene
from training.data.streetworld.captions import (
    Part,
    visible_parts,
    vocabulary_words,
    write_captions,
)
from training.data.streetworld.palette import HELD_OUT_COMPOSITIONS
from training.data.streetworld.rng import Rng
from training.data.streetworld.scene import Origin
from training.data.streetworld.statistics import Statistics, count_scenes, nouns_in

PLACES = {
    "left", "right", "top", "bottom", "above", "below", "middle", "centre", "center", "corner",
    "upper", "lower", "behind", "foreground", "background",
}  # fmt: skip


@pytest.fixture(scope="module")
def statistics() -> Statistics:
    return count_scenes(400, Origin("train", "singles", "v1"))


def test_only_what_is_visible_is_named() -> None:
    for seed in range(150):
        scene = generate_scene(seed, namespace="train", variant="singles", size_wh=(64, 48))
        visible = {noun for noun, _, _ in scene.parts}
        labelled = {CLASS_NAMES[label] for label in np.unique(scene.labels_hw) if label < 255}
        for caption in scene.captions:
            assert nouns_in(caption) <= visible & labelled, (seed, caption)
            colors = {color for _, color, _ in scene.parts}
            said = {word for word in caption.split() if word in COLORS} - {"grey"}
            assert said <= colors, (seed, caption)  # "on a grey day" is about the light


def test_no_positions_and_no_held_out_pairs() -> None:
    pairs = [f"{color} {noun}" for color, noun in HELD_OUT_COMPOSITIONS]
    for seed in range(250):
        for caption in generate_pair(seed, size_wh=(16, 16))[1]:
            words = set(caption.replace(",", "").split())
            assert not words & PLACES, caption
            assert not any(pair in caption for pair in pairs), caption


def test_every_word_of_a_noun_is_in_the_vocabulary() -> None:
    words = set(vocabulary_words())
    assert set(CLASS_NAMES) <= words and set(COLORS) <= words
    for color, noun in HELD_OUT_COMPOSITIONS:
        assert f"{color} {noun}" in words
    assert len(words) == len(vocabulary_words())


def test_a_lone_thing_gets_plain_sentences() -> None:
    part = Part("car", "red", 0.2, None)
    captions = {c for roll in range(40) for c in write_captions(Rng(roll), [part], "overcast")}
    assert "a red car" in captions and "a car" in captions
    assert all(nouns_in(caption) == {"car"} for caption in captions)


def test_standing_on_the_ground_is_said_and_true() -> None:
    parts = [Part("dog", "brown", 0.1, "sand"), Part("sand", None, 0.5), Part("sky", "blue", 0.4)]
    captions = {c for roll in range(200) for c in write_captions(Rng(roll), parts, "day")}
    assert any("dog on" in caption or "dog is on" in caption for caption in captions)
    assert not any("on sky" in caption or "on the sky" in caption for caption in captions)


def test_single_nouns_are_common(statistics: Statistics) -> None:
    assert 0.33 <= statistics.alone <= 0.55


def test_every_class_is_seen_and_named(statistics: Statistics) -> None:
    for index, name in enumerate(CLASS_NAMES):
        assert statistics.visible[index] > 0.03, name
        assert statistics.named[index] > 0.02, name


def test_things_do_not_always_come_together(statistics: Statistics) -> None:
    sky = CLASS_NAMES.index("sky")
    assert statistics.visible[sky] < 0.8
    for b, name in enumerate(CLASS_NAMES):
        for a, other in enumerate(CLASS_NAMES):
            if a != b and not (other == "sky" and name in ("sun", "cloud")):
                assert statistics.together[a, b] < 0.9, (other, name)


@pytest.mark.parametrize(
    ("namespace", "variant", "complete"),
    [
        ("train", "streets", True),
        ("train", "tiles", True),
        ("train", "mixed", False),
        ("eval", "evaluation", False),
    ],
)
def test_captions_leave_out_nothing_visible_where_a_variant_says_so(
    namespace: str, variant: str, complete: bool
) -> None:
    left_out = 0
    for seed in range(60):
        scene = generate_scene(seed, namespace=namespace, variant=variant, size_wh=(16, 16))
        named = set().union(*(nouns_in(caption) for caption in scene.captions))
        left_out += named != {noun for noun, _, _ in scene.parts}
    assert (left_out == 0) is complete


def test_who_looks_closely_speaks_of_smaller_things() -> None:
    things = [("dog", "brown", None, 0.004), ("sky", None, None, 0.5), ("hill", None, None, 0.3)]
    assert [part.noun for part in visible_parts(things)] == ["sky"]
    assert [part.noun for part in visible_parts(things, closely=True)] == ["dog", "sky"]
