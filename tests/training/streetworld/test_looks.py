"""What the pictures must have: variety, speed, and no class given away by color and place."""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np
import pytest

from training.data.streetworld import CLASS_NAMES, generate_pair, generate_scene
from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.geometry import Camera, box
from training.data.streetworld.masks import labels_of, things_of
from training.data.streetworld.objects.car import draw_car
from training.data.streetworld.objects.ground import Ground, strip
from training.data.streetworld.objects.road_symbols import draw_road_symbol
from training.data.streetworld.painter import paint
from training.data.streetworld.palette import COLORS, paint_of
from training.data.streetworld.rng import Dice
from training.data.streetworld.scene import Crop, draft_scene
from training.data.streetworld.scenes.lessons import FIRST_TILE, LESSONS, lesson_of
from training.data.streetworld.street import empty_street, plan_street

PIECES_FROM = next(lesson.first for lesson in LESSONS if lesson.lens_share)
EMPTIER_FROM = next(lesson.first for lesson in LESSONS if lesson.missing)


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
        draw_car(scene, Dice(1), 0.0, depth + 2.0, 0.0, color="red")
        areas.append((things_of(scene, (640, 480)) > 0).sum())
    assert 3.2 < areas[0] / areas[1] < 4.8


@pytest.mark.parametrize("name", COLORS)
def test_a_color_word_means_that_color(name: str) -> None:
    for roll in range(20):
        paint_rgb = np.array([[paint_of(Dice(roll), name)]]).round().astype(np.uint8)
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


def test_horizon_light_and_color_vary() -> None:
    scenes = [generate_scene(seed, namespace="eval", size_wh=(64, 48)) for seed in range(200)]
    brightness = np.array([scene.image_hw3.mean() for scene in scenes])
    assert brightness.std() > 25 and brightness.min() < 60 and brightness.max() > 180
    lowest_sky = [
        np.flatnonzero((scene.labels_hw == 0).any(1)).max()
        for scene in scenes
        if (scene.labels_hw == 0).any()
    ]
    assert len(lowest_sky) < 170 and np.std(lowest_sky) > 6


def test_a_scene_costs_little() -> None:
    """The floor is far under the real rate (see `bench`), for machines that are busy or slow."""
    for seed in range(60):
        generate_pair(seed)
    started = time.process_time()
    for seed in range(120):
        generate_pair(seed)
    assert 120 / (time.process_time() - started) > 120


@pytest.mark.slow
def test_color_and_place_do_not_give_the_class_away() -> None:
    pytest.importorskip("sklearn")
    from benchmarks.world_hardness import measure_hardness

    settings = argparse.Namespace(
        train_scenes=300, per_scene=100, scenes=40, seed=0, balance=0.5, rounds=30
    )
    record = measure_hardness(settings)
    assert 0.03 < record["miou"] < 0.40


def first_of(kind: str, count: int, seed: int = 432_000) -> list[int]:
    """Seeds of the first training scenes of a kind."""
    found: list[int] = []
    while len(found) < count:
        if draft_scene(seed, "train").kind == kind:
            found.append(seed)
        seed += 1
    return found


def test_a_town_is_built_up_and_darker_than_its_sky() -> None:
    built, darker = [], []
    for seed in first_of("town", 40):
        scene = generate_scene(seed, namespace="train")
        sky, building = (scene.labels_hw == CLASS_NAMES.index(n) for n in ("sky", "building"))
        built.append(building.mean())
        if sky.any() and building.any():
            darker.append(scene.image_hw3[sky].mean() - scene.image_hw3[building].mean())
        assert any(part[0] == "road" for part in scene.parts)
    assert np.mean(built) > 0.2
    assert np.median(darker) > 60


@pytest.mark.parametrize(
    ("kind", "first"),
    [("town", 432_000), ("study", 647_104), ("sunset", 647_104), ("highstreet", 985_440)],
)
def test_a_kind_comes_with_its_lesson_and_in_training_only(kind: str, first: int) -> None:
    assert all(kind not in lesson_of("train", seed).kinds for seed in (0, first - 1))
    assert lesson_of("train", first).kinds[kind] > 0
    assert all(kind not in lesson_of(space, first).kinds for space in ("eval", "demo"))


def test_a_highstreet_has_the_pavement_beside_the_road_under_it_or_alone() -> None:
    """All of the ground is pavement, or none, or a share that differs from street to street."""
    shares, paved_only, road_only = [], 0, 0
    for seed in first_of("highstreet", 60, 985_440):
        labels_hw = generate_scene(seed, namespace="train").labels_hw
        road, pavement = ((labels_hw == CLASS_NAMES.index(n)).sum() for n in ("road", "pavement"))
        shares.append(pavement / max(road + pavement, 1))
        paved_only += road == 0 and pavement > 0
        road_only += pavement < 0.03 * road
    assert 0.3 < np.mean(shares) < 0.6
    assert np.quantile(shares, 0.75) - np.quantile(shares, 0.25) > 0.3
    assert paved_only and road_only


def test_nothing_drives_on_the_pavement_of_a_highstreet() -> None:
    on_pavement = {"car", "bus", "bicyclist"}
    for seed in first_of("highstreet", 60, 985_440):
        scene = generate_scene(seed, namespace="train")
        if not (scene.labels_hw == CLASS_NAMES.index("road")).any():
            assert not on_pavement & {part[0] for part in scene.parts}


def test_a_road_symbol_is_painted_road() -> None:
    scene = DisplayList(Camera(focal=1.2, height=1.5, horizon=0.3))
    road = Ground(scene, Dice(2), "road")
    road.fill(strip(scene, -4.0, 4.0, 0.9, 60.0))
    plain = paint(scene, (160, 120))[0].astype(int)
    labels_hw = things_of(scene, (160, 120))
    draw_road_symbol(scene, Dice(3), road, 0.0, 4.0)
    painted = paint(scene, (160, 120))[0].astype(int)
    assert (things_of(scene, (160, 120)) == labels_hw).all()
    changed = np.abs(painted - plain).max(2) > 8
    rows = np.flatnonzero(changed.any(1))
    lowest = scene.camera.ground_y(3.2) * 120
    assert 0.001 < changed.mean() < 0.1 and rows.max() <= lowest
    assert painted[changed].mean() > plain[changed].mean() + 10


def test_a_study_shows_one_thing_large() -> None:
    """The largest thing that is neither ground nor background fills a twentieth of most frames."""
    grounds = {"sky", "road", "pavement", "grass", "sand", "water", "building", "tree", "cloud"}
    largest = []
    for seed in first_of("study", 30, 647_104):
        parts = generate_scene(seed, namespace="train").parts
        largest.append(max((part[2] for part in parts if part[0] not in grounds), default=0.0))
    assert np.median(largest) > 0.05


def test_sunsets_have_the_largest_suns() -> None:
    def shares(kind: str) -> list[float]:
        scenes = (generate_scene(s, namespace="train") for s in first_of(kind, 60, 647_104))
        areas = [float((scene.labels_hw == CLASS_NAMES.index("sun")).mean()) for scene in scenes]
        return [area for area in areas if area > 0]

    sunset, heaven = shares("sunset"), shares("heaven")
    assert len(sunset) > len(heaven)
    assert np.mean(sunset) > 2 * np.mean(heaven)


def test_longer_lenses_show_pieces_of_late_training_scenes_only() -> None:
    """A piece is the whole frame's own pixels, and its captions name what it shows alone."""
    crops = [draft_scene(seed, "train").crop for seed in range(PIECES_FROM, PIECES_FROM + 40)]
    assert {crop.zoom == 1.0 for crop in crops} == {True, False}
    for namespace, first in (("train", PIECES_FROM - 20), ("eval", PIECES_FROM)):
        drafts = [draft_scene(seed, namespace) for seed in range(first, first + 20)]
        assert all(draft.crop == Crop() for draft in drafts)
    seed = PIECES_FROM + next(index for index, crop in enumerate(crops) if crop.zoom > 2)
    scene = generate_scene(seed, namespace="train", size_wh=(64, 48))
    draft = draft_scene(seed, "train")
    whole = labels_of(draft.shapes, draft.crop.whole_size((64, 48)))
    spots = [
        (scene.labels_hw == whole[y : y + 48, x : x + 64]).all()
        for y in range(whole.shape[0] - 47)
        for x in range(whole.shape[1] - 63)
    ]
    assert any(spots)
    shown = {CLASS_NAMES[label] for label in np.unique(scene.labels_hw) if label < 255}
    assert {noun for noun, _, _ in scene.parts} <= shown


@pytest.mark.parametrize(
    ("at_xy", "first"), [((0.0, 0.0), 0), ((1.0, 0.0), 2), ((0.0, 1.0), 8), ((1.0, 1.0), 10)]
)
def test_a_crop_lies_where_it_says(at_xy: tuple[float, float], first: int) -> None:
    crop = Crop(2.0, at_xy)
    assert crop.whole_size((2, 2)) == (4, 4)
    whole = np.arange(16, dtype=np.uint8).reshape(4, 4)
    np.testing.assert_array_equal(
        crop.cut(whole, (2, 2)), [[first, first + 1], [first + 4, first + 5]]
    )


def test_late_streets_lack_kinds_of_things_and_earlier_ones_do_not() -> None:
    def kinds(seed: int) -> set[str]:
        return {thing.noun for thing in draft_scene(seed, "train").shapes.things}

    def streets(first: int) -> list[int]:
        return [
            seed for seed in range(first, first + 60) if draft_scene(seed, "train").kind == "street"
        ]

    assert all("car" in kinds(seed) for seed in streets(EMPTIER_FROM - 60))
    late = [kinds(seed) for seed in streets(EMPTIER_FROM)]
    assert 0 < sum("car" in each for each in late) < len(late)
    assert 0 < sum("person" in each for each in late) < len(late)
    assert all("building" in each for each in late)


def test_an_emptied_street_keeps_or_loses_a_whole_kind() -> None:
    street = plan_street(3, "train")
    before = list(street.actors)
    empty_street(street, Dice(1), 0.0)
    assert street.actors == before
    empty_street(street, Dice(1), 0.5)
    left = {actor.what for actor in street.actors}
    assert left and street.actors == [actor for actor in before if actor.what in left]
    assert len({"parked", "oncoming", "ahead"} & left) in (0, 3)
    empty_street(street, Dice(1), 1.0)
    assert street.actors == []


@pytest.mark.parametrize("at", [0, 9, 27])
def test_tiles_of_a_photograph_fit_together(at: int) -> None:
    """Nine scenes are one picture, cut without a gap; each is described by itself."""
    size_wh, first = (32, 24), FIRST_TILE + at
    scenes = [generate_scene(first + n, namespace="train", size_wh=size_wh) for n in range(9)]
    drafts = [draft_scene(first + n, "train") for n in range(9)]
    whole = labels_of(drafts[0].shapes, drafts[0].crop.whole_size(size_wh))
    rows = [np.hstack([scene.labels_hw for scene in scenes[row : row + 3]]) for row in (0, 3, 6)]
    together = np.vstack(rows)
    spots = [
        (together == whole[y : y + 72, x : x + 96]).all()
        for y in range(whole.shape[0] - 71)
        for x in range(whole.shape[1] - 95)
    ]
    assert any(spots)
    assert {draft.tile_of for draft in drafts} == {first}
    assert len({scene.captions for scene in scenes}) > 1
    # Out of turn, and by the other way of asking, each is the same.
    image, captions = generate_pair(first + 4, size_wh=size_wh)
    generate_pair(first + 40, size_wh=size_wh)
    again, _ = generate_pair(first + 4, size_wh=size_wh)
    assert (image == scenes[4].image_hw3).all() and (again == image).all()
    assert captions == scenes[4].captions


def test_a_photograph_is_exposed_as_one() -> None:
    """Blur and light go on across the tiles' edges: no step there that is not in the middle."""
    steps = []
    for first in range(FIRST_TILE, FIRST_TILE + 270, 9):
        images = [generate_pair(first + n, size_wh=(32, 24))[0] for n in range(9)]
        photograph = np.hstack(images[3:6]).astype(float)
        jumps = np.abs(np.diff(photograph, axis=1)).mean((0, 2))
        steps.append((jumps[[31, 63]].mean(), np.delete(jumps, [31, 63]).mean()))
    at_edges, elsewhere = np.mean(steps, axis=0)
    assert at_edges < 1.25 * elsewhere
