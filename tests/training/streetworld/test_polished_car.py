"""Cars as a real street has them: what they show, where they come, and that masks know them."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from training.data.streetworld import CLASS_NAMES, generate_scene
from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera, box
from training.data.streetworld.masks import things_of
from training.data.streetworld.objects.car import draw_car
from training.data.streetworld.objects.polished_car import SOBER_COLORS, draw_polished_car
from training.data.streetworld.painter import paint
from training.data.streetworld.palette import HELD_OUT_COMPOSITIONS
from training.data.streetworld.rng import Dice
from training.data.streetworld.scene import draft_scene
from training.data.streetworld.scenes.lessons import LESSONS, lesson_of

SIZE_WH = (320, 240)
POLISHED_FROM = next(lesson.first for lesson in LESSONS if lesson.polished)


def on_a_road(
    roll: int, yaw: float, color: str, *, dim: float = 1.0, draw: Callable = draw_polished_car
) -> DisplayList:
    """One car before a plain grey ground and a bright sky."""
    scene = DisplayList(Camera(focal=1.2, height=1.5, horizon=0.4))
    scene.haze_color, scene.dim = (200.0, 220.0, 240.0), dim
    scene.fill(box(-2, -2, 2, 3), (120.0, 120.0, 120.0))
    draw(scene, Dice(roll), 0.5, 6.0, yaw, color=color)
    return scene


@pytest.mark.parametrize("yaw", [0.0, math.pi, math.pi / 2, 0.6, math.pi - 0.5])
def test_all_of_a_car_is_in_its_mask_and_its_shadow_is_not(yaw: float) -> None:
    for roll in range(8):
        scene = on_a_road(roll, yaw, "red")
        colors_hw3 = paint(scene, SIZE_WH)[0].astype(int)
        inside = things_of(scene, SIZE_WH) > 0
        # A shadow is a darker grey: what has a color of its own outside is a car without a name.
        tinted = np.ptp(colors_hw3, axis=2) > 40
        edges = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert not (tinted & ~edges).any()
        assert 0.01 < inside.mean() < 0.4
        shadow = ~edges & (colors_hw3.max(2) < 100)
        assert shadow.any()


def test_in_a_dark_street_a_black_car_shows_more_light_than_one_of_flat_paint() -> None:
    """That it mirrors the sky is what tells it from the road."""

    def brightest(draw: Callable, roll: int) -> float:
        scene = on_a_road(roll, math.pi, "black", dim=0.3, draw=draw)
        return float(np.quantile(paint(scene, SIZE_WH)[0][things_of(scene, SIZE_WH) > 0], 0.9))

    polished = [brightest(draw_polished_car, roll) for roll in range(30)]
    flat = [brightest(draw_car, roll) for roll in range(30)]
    assert np.median(polished) > 2 * np.median(flat)


def test_cars_are_polished_in_their_lesson_and_in_training_only() -> None:
    assert lesson_of("train", POLISHED_FROM).polished > 0
    for namespace, seed in (("train", 0), ("train", POLISHED_FROM - 1), ("eval", POLISHED_FROM),
                            ("compositions", POLISHED_FROM), ("demo", POLISHED_FROM)):  # fmt: skip
        assert lesson_of(namespace, seed).polished == 0
    assert draft_scene(POLISHED_FROM, "train").shapes.polished > 0
    assert draft_scene(POLISHED_FROM, "eval").shapes.polished == 0


def test_most_cars_of_the_lesson_are_sober_and_none_wears_what_is_held_out() -> None:
    assert not {("car", c) for c in SOBER_COLORS} & {(n, c) for c, n in HELD_OUT_COMPOSITIONS}

    def cars(first: int) -> list[str | None]:
        found = []
        for seed in range(first, first + 9 * 60, 9):
            things = draft_scene(seed, "train").shapes.things
            found += [thing.color for thing in things if thing.noun == "car"]
        return found

    def dark(colors: list[str | None]) -> float:
        return sum(c in ("black", "grey") for c in colors) / len(colors)

    before = next(x.first for x in reversed(LESSONS) if x.tiles and not x.polished)
    here, there = cars(POLISHED_FROM), cars(before)
    assert "pink" not in here
    assert dark(here) > dark(there) + 0.1
    assert len(here) > 1.3 * len(there)


def test_a_car_of_the_lesson_has_its_label() -> None:
    seed = next(
        seed
        for seed in range(POLISHED_FROM, POLISHED_FROM + 900)
        if any(noun == "car" and share > 0.2 for noun, _, share in
               generate_scene(seed, namespace="train", size_wh=(64, 48)).parts)
    )  # fmt: skip
    scene = generate_scene(seed, namespace="train", size_wh=(64, 48))
    share = dict((noun, share) for noun, _, share in scene.parts)["car"]
    assert (scene.labels_hw == CLASS_NAMES.index("car")).mean() == pytest.approx(share, abs=0.05)
