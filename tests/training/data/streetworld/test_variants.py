"""Named variants: which there are, and what each does to the scenes."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.streetworld import CLASS_NAMES, VARIANTS, generate_pair, generate_scene
from training.data.streetworld.masks import labels_of
from training.data.streetworld.scene import Crop, Origin, draft_scene
from training.data.streetworld.scenes.kinds import PLANS

SMALL_WH = (32, 24)
OTHER_KINDS = {"street", "drive", "town", "highstreet", "close", "study", "plain"}


def of(variant: str) -> Origin:
    return Origin("train", variant, "v1")


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_draws_from_its_kinds_alone(name: str) -> None:
    variant = VARIANTS[name]
    assert set(variant.kinds) <= set(PLANS) | OTHER_KINDS
    drafts = [draft_scene(9 * seed, of(name)) for seed in range(60)]
    assert len({draft.kind for draft in drafts}) > 5
    assert {draft.kind for draft in drafts} <= set(variant.kinds)
    assert {draft.everything for draft in drafts} == {variant.everything}
    polished = {draft.shapes.polished for draft in drafts}
    assert polished == {variant.polished}


@pytest.mark.parametrize(
    "draw",
    [
        lambda: generate_pair(0, variant="hills"),
        lambda: generate_scene(0, namespace="eval", variant="hills"),
    ],
)
def test_an_unknown_variant_is_told_with_the_known_ones(draw) -> None:
    with pytest.raises(ValueError, match=r"'hills' does not exist.*evaluation, singles, mixed"):
        draw()


def test_an_evaluation_scene_is_of_variant_evaluation() -> None:
    plain = generate_scene(3, namespace="eval", size_wh=SMALL_WH)
    named = generate_scene(3, namespace="eval", size_wh=SMALL_WH, variant="evaluation")
    assert (plain.image_hw3 == named.image_hw3).all() and plain.captions == named.captions


@pytest.mark.parametrize(
    ("name", "zooms", "whole"),
    [
        ("singles", (1.0, 1.0), True),
        ("mixed", (1.0, 1.0), True),
        ("streets", (2.0, 4.5), True),
        ("pieces", (2.2, 4.8), False),
        ("tiles", (3.0, 4.8), False),
    ],
)
def test_longer_lenses_show_pieces(name: str, zooms: tuple[float, float], whole: bool) -> None:
    found = [draft_scene(9 * seed, of(name)).crop.zoom for seed in range(40)]
    assert (1.0 in found) is whole
    longer = [zoom for zoom in found if zoom > 1]
    assert bool(longer) is (zooms[1] > 1)
    assert all(zooms[0] <= zoom <= zooms[1] + 1 / 32 for zoom in longer)


def test_a_piece_is_the_whole_images_own_pixels_and_named_alone() -> None:
    origin, size_wh = of("pieces"), (64, 48)
    draft = draft_scene(0, origin)
    scene = generate_scene(0, namespace="train", variant="pieces", exposure="v1", size_wh=size_wh)
    whole = labels_of(draft.shapes, draft.crop.whole_size(size_wh))
    assert found_in(scene.labels_hw, whole)
    shown = {CLASS_NAMES[label] for label in np.unique(scene.labels_hw) if label < 255}
    assert {noun for noun, _, _ in scene.parts} <= shown


def found_in(piece: np.ndarray, whole: np.ndarray) -> bool:
    """Whether a piece occurs somewhere in a whole."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, piece.shape)
    return bool((windows == piece).all((2, 3)).any())


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


def test_streets_lack_kinds_of_things_where_a_variant_says_so() -> None:
    def kinds_in_streets(name: str, count: int) -> list[set[str]]:
        drafts = (draft_scene(seed, of(name)) for seed in range(count))
        streets = [draft for draft in drafts if draft.kind == "street"]
        return [{thing.noun for thing in draft.shapes.things} for draft in streets]

    full, emptied = kinds_in_streets("mixed", 80), kinds_in_streets("streets", 160)
    assert full and all("car" in each for each in full)
    assert 0 < sum("car" in each for each in emptied) < len(emptied)
    assert 0 < sum("person" in each for each in emptied) < len(emptied)
    assert all("building" in each for each in emptied)


@pytest.mark.parametrize("first", [0, 9, 27])
def test_tiles_of_a_mosaic_fit_together(first: int) -> None:
    """Nine scenes are one picture, cut without a gap; each is described by itself."""
    scenes = [
        generate_scene(
            first + n, namespace="train", variant="tiles", exposure="v1", size_wh=SMALL_WH
        )
        for n in range(9)
    ]
    drafts = [draft_scene(first + n, of("tiles")) for n in range(9)]
    whole = labels_of(drafts[0].shapes, drafts[0].crop.whole_size(SMALL_WH))
    rows = [np.hstack([scene.labels_hw for scene in scenes[row : row + 3]]) for row in (0, 3, 6)]
    assert found_in(np.vstack(rows), whole)
    assert {draft.tile_of for draft in drafts} == {(first, of("tiles"))}
    assert len({scene.captions for scene in scenes}) > 1
    # Out of turn, and by the other way of asking, each is the same.
    image, captions = generate_pair(first + 4, variant="tiles", size_wh=SMALL_WH)
    generate_pair(first + 40, variant="tiles", size_wh=SMALL_WH)
    again, _ = generate_pair(first + 4, variant="tiles", size_wh=SMALL_WH)
    assert (image == scenes[4].image_hw3).all() and (again == image).all()
    assert captions == scenes[4].captions


def test_a_mosaic_is_exposed_as_one() -> None:
    """Blur and light go on across the tiles' edges: no step there that is not in the middle."""
    steps = []
    for first in range(0, 270, 9):
        images = [generate_pair(first + n, variant="tiles", size_wh=SMALL_WH)[0] for n in (3, 4, 5)]
        mosaic = np.hstack(images).astype(float)
        jumps = np.abs(np.diff(mosaic, axis=1)).mean((0, 2))
        steps.append((jumps[[31, 63]].mean(), np.delete(jumps, [31, 63]).mean()))
    at_edges, elsewhere = np.mean(steps, axis=0)
    assert at_edges < 1.25 * elsewhere
