"""Suns in view: the camera exposes for them where scenes are held out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from training.data.streetworld import CLASS_NAMES, generate_scene
from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.photograph import expose
from training.data.streetworld.rng import Dice, dice_for
from training.data.streetworld.scene import draft_scene
from training.data.streetworld.scenes.weather import Weather, draw_weather

SUN = CLASS_NAMES.index("sun")
BRIGHT_SKY_SEED = 60  # evaluation: a large sun in a sky that would be as white as itself


def photographed(level: int, weather: Weather) -> np.ndarray:
    """What becomes of an even grey (3,), without noise and the light's patches."""
    weather.noise, weather.jpeg, weather.patches = 0, 0, [1.0] * 12
    plain = np.full((8, 8), level, np.uint8)
    shining = np.zeros((8, 8), np.uint8)
    return expose(cv2.merge([plain] * 3), np.full((8, 8), 128, np.uint8), shining, weather)[4, 4]


def weather_of(seed: int, namespace: str) -> Weather:
    """As the dice have it, before anybody looks what is in view."""
    return draw_weather(dice_for(namespace, seed), DisplayList())


def has_sun(seed: int, namespace: str) -> bool:
    return any(thing.noun == "sun" for thing in draft_scene(seed, namespace).shapes.things)


def test_no_paint_is_cut_off_once_it_is_spared() -> None:
    cut = 0
    for roll in range(60):
        weather = draw_weather(Dice(roll), DisplayList())
        gain = weather.gain
        cut += bool(photographed(240, weather).max() == 255)
        weather.spare_the_brightest()
        assert photographed(240, weather).max() < photographed(255, weather).max() <= 255
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


def test_a_sun_in_a_burnt_out_sky_can_be_seen() -> None:
    scene = generate_scene(BRIGHT_SKY_SEED, namespace="eval", size_wh=(160, 120))
    sun = scene.labels_hw == SUN
    around = (cv2.dilate(sun.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0) & ~sun
    assert sun.mean() > 0.01
    assert scene.image_hw3[sun].mean() > scene.image_hw3[around].mean() + 10


def test_held_out_scenes_are_exposed_so_and_only_where_a_sun_is() -> None:
    spared = 0
    for seed in range(80):
        expected = weather_of(seed, "eval")
        if has_sun(seed, "eval"):
            expected.spare_the_brightest()
        assert draft_scene(seed, "eval").weather == expected
        spared += expected != weather_of(seed, "eval")
    assert spared == 4


def first_burnt_out(namespace: str) -> int:
    """The first scene with a sun that sparing would make darker."""
    for seed in range(4000):
        spared = weather_of(seed, namespace)
        spared.spare_the_brightest()
        if spared != weather_of(seed, namespace) and has_sun(seed, namespace):
            return seed
    raise AssertionError(namespace)


def test_compositions_are_exposed_as_every_other_held_out_scene() -> None:
    seed = first_burnt_out("compositions")
    weather = draft_scene(seed, "compositions").weather
    assert weather.gain < weather_of(seed, "compositions").gain


def test_training_scenes_stay_as_they_are() -> None:
    seed = first_burnt_out("train")
    assert draft_scene(seed, "train").weather == weather_of(seed, "train")
