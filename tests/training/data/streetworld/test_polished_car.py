"""Cars as a real street has them: what they show, where they come, and that masks know them."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from training.data.streetworld import CLASS_NAMES, Scene, generate_scene
from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera, box
from training.data.streetworld.masks import things_of
from training.data.streetworld.objects.car import draw_car
from training.data.streetworld.objects.polished_car import SOBER_COLORS, draw_polished_car
from training.data.streetworld.painter import paint
from training.data.streetworld.palette import HELD_OUT_COMPOSITIONS
from training.data.streetworld.rng import Rng
from training.data.streetworld.scene import Origin, draft_scene
from training.data.streetworld.variants import VARIANTS

SIZE_WH = (320, 240)


def on_a_road(
    roll: int, yaw: float, color: str, *, dim: float = 1.0, draw: Callable = draw_polished_car
) -> DisplayList:
    """One car before a plain grey ground and a bright sky."""
    scene = DisplayList(Camera(focal=1.2, height=1.5, horizon=0.4))
    scene.haze_color, scene.dim = (200.0, 220.0, 240.0), dim
    scene.fill(box(-2, -2, 2, 3), (120.0, 120.0, 120.0))
    draw(scene, Rng(roll), 0.5, 6.0, yaw, color=color)
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


def test_cars_are_polished_in_mosaics_cut_into_tiles_only() -> None:
    assert {name for name, variant in VARIANTS.items() if variant.polished} == {"tiles"}
    assert draft_scene(0, Origin("train", "tiles", "v1")).shapes.polished > 0
    for namespace in ("eval", "compositions", "demo"):
        assert draft_scene(0, Origin(namespace)).shapes.polished == 0


def test_most_polished_cars_are_sober_and_none_wears_what_is_held_out() -> None:
    assert not {("car", c) for c in SOBER_COLORS} & {(n, c) for c, n in HELD_OUT_COMPOSITIONS}

    def cars(variant: str) -> list[str | None]:
        drafts = (draft_scene(9 * n, Origin("train", variant, "v1")) for n in range(120))
        things = (thing for draft in drafts for thing in draft.shapes.things)
        return [thing.color for thing in things if thing.noun == "car"]

    def dark(colors: list[str | None]) -> float:
        return sum(c in ("black", "grey") for c in colors) / len(colors)

    # The same kinds of scenes, with and without.
    here, there = cars("tiles"), cars("pieces")
    assert "pink" not in here
    assert dark(here) > dark(there) + 0.1
    assert len(here) > 1.1 * len(there)


def test_a_polished_car_has_its_label() -> None:
    def scene_of(seed: int) -> Scene:
        return generate_scene(seed, namespace="train", variant="tiles", size_wh=(64, 48))

    scene, share = next(
        (scene, share)
        for scene in map(scene_of, range(900))
        for noun, _, share in scene.parts
        if noun == "car" and share > 0.2
    )
    assert (scene.labels_hw == CLASS_NAMES.index("car")).mean() == pytest.approx(share, abs=0.05)
