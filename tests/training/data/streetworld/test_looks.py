"""What the pictures must have: variety, speed, and no class given away by color and place."""

from __future__ import annotations

import argparse

import cv2
import numpy as np
import pytest

from training.data.streetworld import Scene
from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera, box
from training.data.streetworld.masks import things_of
from training.data.streetworld.objects.car import draw_car
from training.data.streetworld.objects.ground import Ground, strip
from training.data.streetworld.objects.road_symbols import draw_road_symbol
from training.data.streetworld.painter import paint
from training.data.streetworld.palette import COLORS, paint_of
from training.data.streetworld.rng import Rng
from training.data.streetworld.scene import Origin, draft_scene


def test_a_rectangle_is_painted_and_masked_where_it_lies() -> None:
    scene = DisplayList()
    thing = scene.thing("sign", "red")
    scene.fill(box(-0.25, 0.25, 0.25, 0.75), (200.0, 10.0, 20.0), thing)
    colors, relief, shining = paint(scene, (80, 40))
    inside = np.zeros((40, 80), bool)
    inside[11:29, 31:49] = True
    outside = np.ones((40, 80), bool)
    outside[8:32, 28:52] = False  # edges are smoothed
    assert (colors[inside] == (200, 10, 20)).all() and not colors[outside].any()
    numbers = things_of(scene, (80, 40))
    assert (numbers[inside] == thing).all() and not numbers[outside].any()
    assert (relief == 128).all() and not shining.any()


def test_a_car_farther_away_is_smaller_in_proportion() -> None:
    areas = []
    for depth in (8.0, 16.0):
        scene = DisplayList(Camera(focal=1.2, height=1.5, horizon=0.4))
        draw_car(scene, Rng(1), 0.0, depth + 2.0, 0.0, color="red")
        areas.append((things_of(scene, (640, 480)) > 0).sum())
    assert 3.2 < areas[0] / areas[1] < 4.8


@pytest.mark.parametrize("name", COLORS)
def test_a_color_word_means_that_color(name: str) -> None:
    for roll in range(20):
        paint_rgb = np.array([[paint_of(Rng(roll), name)]]).round().astype(np.uint8)
        hue, saturation, value = cv2.cvtColor(paint_rgb, cv2.COLOR_RGB2HSV)[0, 0].tolist()
        if name == "black":
            assert value < 50
        elif name == "white":
            assert value > 220 and saturation < 20
        elif name == "grey":
            assert 90 < value < 165 and saturation < 25
        else:
            spans = {"red": (175, 185), "orange": (8, 16), "brown": (6, 15), "yellow": (22, 31),
                     "green": (50, 77), "blue": (100, 118), "purple": (132, 147),
                     "pink": (157, 172)}  # fmt: skip
            low, high = spans[name]
            assert low <= hue <= high or low <= hue + 180 <= high


def test_horizon_light_and_color_vary(held_out: list[Scene]) -> None:
    brightness = np.array([scene.image_hw3.mean() for scene in held_out])
    assert brightness.std() > 25 and brightness.min() < 60 and brightness.max() > 180
    lowest_sky = [
        np.flatnonzero((scene.labels_hw == 0).any(1)).max()
        for scene in held_out
        if (scene.labels_hw == 0).any()
    ]
    assert len(lowest_sky) < 170 and np.std(lowest_sky) > 6


def test_a_scene_is_made_of_few_shapes() -> None:
    """What a scene costs is what is drawn: training draws hundreds a second on a core."""
    shapes = [
        len(draft_scene(seed, Origin("train", "singles", "v1")).shapes.shapes)
        for seed in range(120)
    ]
    assert np.mean(shapes) < 90 and max(shapes) < 400


@pytest.mark.slow
def test_color_and_place_do_not_give_the_class_away() -> None:
    pytest.importorskip("sklearn")
    from benchmarks.world_hardness import measure_hardness

    settings = argparse.Namespace(
        train_scenes=300, per_scene=100, scenes=40, seed=0, balance=0.5, rounds=30
    )
    record = measure_hardness(settings)
    assert 0.03 < record["miou"] < 0.40


def test_a_road_symbol_is_painted_road() -> None:
    scene = DisplayList(Camera(focal=1.2, height=1.5, horizon=0.3))
    road = Ground(scene, Rng(2), "road")
    road.fill(strip(scene, -4.0, 4.0, 0.9, 60.0))
    plain = paint(scene, (160, 120))[0].astype(int)
    labels_hw = things_of(scene, (160, 120))
    draw_road_symbol(scene, Rng(3), road, 0.0, 4.0)
    painted = paint(scene, (160, 120))[0].astype(int)
    assert (things_of(scene, (160, 120)) == labels_hw).all()
    changed = np.abs(painted - plain).max(2) > 8
    rows = np.flatnonzero(changed.any(1))
    lowest = scene.camera.ground_y(3.2) * 120
    assert 0.001 < changed.mean() < 0.1 and rows.max() <= lowest
    assert painted[changed].mean() > plain[changed].mean() + 10
