"""Suns in view: whether the camera exposes for them is a version of the world."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from training.data.streetworld import CLASS_NAMES, generate_pair, generate_scene
from training.data.streetworld.camera import expose
from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.rng import Rng, rng_for
from training.data.streetworld.scene import Origin, draft_scene
from training.data.streetworld.scenes.weather import Weather, draw_weather

SUN = CLASS_NAMES.index("sun")
BRIGHT_SKY_SEED = 60  # evaluation: a large sun in a sky that would be as white as itself


def taken(level: int, weather: Weather) -> np.ndarray:
    """What becomes of an even grey (3,), without noise and the light's patches."""
    weather.noise, weather.jpeg, weather.patches = 0, 0, [1.0] * 12
    plain = np.full((8, 8), level, np.uint8)
    shining = np.zeros((8, 8), np.uint8)
    return expose(cv2.merge([plain] * 3), np.full((8, 8), 128, np.uint8), shining, weather)[4, 4]


def weather_of(seed: int, namespace: str) -> Weather:
    """As the rng draws it, before anybody looks what is in view."""
    return draw_weather(rng_for(namespace, seed), DisplayList())


def test_no_paint_is_cut_off_once_it_is_spared() -> None:
    cut = 0
    for roll in range(60):
        weather = draw_weather(Rng(roll), DisplayList())
        gain = weather.gain
        cut += bool(taken(240, weather).max() == 255)
        weather.spare_the_brightest()
        assert taken(240, weather).max() < taken(255, weather).max() <= 255
        assert weather.gain <= gain
    assert cut > 5  # else nothing was shown


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"gain": 0.8}, True),
        ({"gain": 1.0}, True),
        ({"gain": 1.2}, False),
        ({"gain": 1.0, "contrast": 1.2}, False),
        ({"gain": 1.0, "contrast": 0.8}, True),
        ({"gain": 1.0, "tint": (1.1, 1.0, 0.9)}, False),
        ({"gain": 0.9, "tint": (1.1, 1.0, 0.9)}, True),
    ],
)
def test_a_picture_that_cuts_nothing_off_stays(settings: dict, kept: bool) -> None:
    weather = Weather(**settings)
    weather.spare_the_brightest()
    assert (weather == Weather(**settings)) is kept


@pytest.mark.parametrize(("exposure", "visible"), [("v1", False), ("v2", True)])
def test_a_sun_in_a_burnt_out_sky_can_be_seen_if_it_is_spared(exposure: str, visible: bool) -> None:
    scene = generate_scene(BRIGHT_SKY_SEED, namespace="eval", size_wh=(160, 120), exposure=exposure)
    sun = scene.labels_hw == SUN
    around = (cv2.dilate(sun.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0) & ~sun
    assert sun.mean() > 0.01
    brighter = scene.image_hw3[sun].mean() - scene.image_hw3[around].mean()
    assert (brighter > 10) == visible


@pytest.mark.parametrize(
    ("namespace", "variant"),
    [("eval", "evaluation"), ("compositions", "evaluation"), ("train", "singles")],
)
def test_a_version_spares_training_and_held_out_scenes_alike(namespace: str, variant: str) -> None:
    """Where a sun is and nowhere else, in ``v2``; never in ``v1``."""
    spared = 0
    for seed in range(160):
        origin = Origin(namespace, variant, "v2")
        draft = draft_scene(seed, origin)
        if draft.kind == "street":
            continue
        expected = weather_of(seed, namespace)
        if any(thing.noun == "sun" for thing in draft.shapes.things):
            expected.spare_the_brightest()
        assert draft.weather == expected
        if expected != weather_of(seed, namespace):
            spared += 1
            plain = draft_scene(seed, replace(origin, exposure="v1"))
            assert plain.weather == weather_of(seed, namespace)
    assert spared >= 2


def test_a_version_changes_nothing_but_light() -> None:
    v1, v2 = (
        generate_scene(BRIGHT_SKY_SEED, namespace="eval", size_wh=(64, 48), exposure=exposure)
        for exposure in ("v1", "v2")
    )
    assert (v1.labels_hw == v2.labels_hw).all()
    assert (v1.captions, v1.parts) == (v2.captions, v2.parts)
    assert v1.image_hw3.mean() > v2.image_hw3.mean()


def test_unless_told_otherwise_held_out_scenes_are_v2_and_training_pairs_v1() -> None:
    told = generate_scene(BRIGHT_SKY_SEED, namespace="eval", size_wh=(64, 48), exposure="v2")
    plain = generate_scene(BRIGHT_SKY_SEED, namespace="eval", size_wh=(64, 48))
    assert (told.image_hw3 == plain.image_hw3).all()
    seed = next(
        seed
        for seed in range(400)
        if draft_scene(seed, Origin("train", "singles", "v2")).weather != weather_of(seed, "train")
    )
    plain_hw3, v1_hw3, v2_hw3 = (
        generate_pair(seed, size_wh=(64, 48), **exposure)[0]
        for exposure in ({}, {"exposure": "v1"}, {"exposure": "v2"})
    )
    assert (plain_hw3 == v1_hw3).all() and (plain_hw3 != v2_hw3).any()


def test_an_unknown_version_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="exposure 'v3' does not exist; expected one of v1, v2"):
        generate_scene(0, namespace="eval", exposure="v3")
    with pytest.raises(ValueError, match="exposure 'v3' does not exist; expected one of v1, v2"):
        generate_pair(0, exposure="v3")
