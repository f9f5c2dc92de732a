"""One scene from one seed: image and captions for training, labels for evaluation."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.data.streetworld.camera import expose
from training.data.streetworld.captions import Part, visible_parts, write_captions
from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.exposure import spares_suns
from training.data.streetworld.masks import things_of
from training.data.streetworld.moment import compose_moment
from training.data.streetworld.painter import paint
from training.data.streetworld.palette import HELD_OUT_COMPOSITIONS
from training.data.streetworld.rng import Rng, rng_for
from training.data.streetworld.scenes.kinds import compose
from training.data.streetworld.scenes.weather import Weather, draw_weather
from training.data.streetworld.street import empty_street, plan_street
from training.data.streetworld.variants import variant_named

SIZE_WH = (128, 96)
TILES_HW = (3, 3)
"""Rows and columns of a mosaic whose tiles are scenes of their own (Variant.tiles)."""
_GLANCE_WH = (64, 48)  # the coarse grid on which captions look what is visible


@dataclass(frozen=True)
class Scene:
    """A generated scene.

    Attributes:
        image_hw3: RGB uint8 (H, W, 3).
        labels_hw: class indices, uint8 (H, W), 255 = none of the classes.
        captions: what a person might say about it.
        namespace: the stream of seeds it comes from.
        seed: its number in that stream.
        parts: what is visible: (noun, color or None, share of the pixels).
    """

    image_hw3: NDArray[np.uint8]
    labels_hw: NDArray[np.uint8]
    captions: tuple[str, ...]
    namespace: str
    seed: int
    parts: tuple[tuple[str, str | None, float], ...]


@dataclass(frozen=True)
class Crop:
    """The piece of a scene that a longer lens shows.

    Attributes:
        zoom: how many times larger the whole image is; 1: all of it.
        at_xy: where the piece lies, as shares of what the whole image is larger: (0, 0) upper left,
            (1, 1) lower right.
    """

    zoom: float = 1.0
    at_xy: tuple[float, float] = (0.5, 0.5)

    def whole_size(self, size_wh: tuple[int, int]) -> tuple[int, int]:
        """The size of the whole image of which the piece has ``size_wh``."""
        return round(size_wh[0] * self.zoom), round(size_wh[1] * self.zoom)

    def cut(self, whole: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
        """The piece of a whole image (H, W) or (H, W, 3)."""
        x, y = (
            round(share * (side - size))
            for share, side, size in zip(self.at_xy, whole.shape[1::-1], size_wh, strict=True)
        )
        return np.ascontiguousarray(whole[y : y + size_wh[1], x : x + size_wh[0]])


@dataclass(frozen=True)
class Origin:
    """Where a scene comes from, but for its seed.

    Attributes:
        namespace: the stream of seeds, one of :data:`rng.NAMESPACES`.
        variant: what its scenes are like, one of :data:`variants.VARIANTS`.
        exposure: how suns are exposed, one of :data:`exposure.EXPOSURES`.
    """

    namespace: str
    variant: str = "evaluation"
    exposure: str = "v2"


@dataclass
class Draft:
    """A composed scene before anything is painted."""

    shapes: DisplayList
    weather: Weather
    kind: str
    rng: Rng
    everything: bool = False
    """Whether its captions leave out nothing that is visible."""
    crop: Crop = Crop()
    """Which piece of it is shown."""
    tile_of: tuple[int, Origin] | None = None
    """The first of the scenes whose mosaic it is a tile of, where scenes come so."""
    number: int = 0
    """Which of its tiles, row by row."""


def tile_at(number: int) -> tuple[int, int]:
    """Row and column of tile ``number`` of a mosaic that is cut into :data:`TILES_HW`."""
    return divmod(number, TILES_HW[1])


def draft_scene(seed: int, origin: Origin) -> Draft:
    """Composes scene ``seed`` from ``origin`` without drawing it.

    Raises:
        ValueError: for an unknown namespace, variant or exposure, or a negative seed.
    """
    variant = variant_named(origin.variant)
    rng = rng_for(origin.namespace, seed)
    if not variant.tiles or origin.namespace == "compositions":
        return _draft(seed, origin, rng)
    number = seed % (TILES_HW[0] * TILES_HW[1])
    whole = _draft_whole(seed - number, origin)
    row, column = tile_at(number)
    # In units of a tile's side the scene is ``zoom`` wide and the mosaic three.
    zoom, (x, y) = whole.crop.zoom, whole.crop.at_xy
    at_xy = (
        (x * (zoom - TILES_HW[1]) + column) / (zoom - 1),
        (y * (zoom - TILES_HW[0]) + row) / (zoom - 1),
    )
    return replace(whole, rng=rng, crop=Crop(zoom, at_xy), number=number)


@functools.lru_cache(maxsize=1)
def _draft_whole(seed: int, origin: Origin) -> Draft:
    """The scene that begins at ``seed`` and of which the next ones are tiles; its crop's zoom is
    that of a tile, its place that of the mosaic.
    """
    draft = _draft(seed, origin, rng_for(origin.namespace, seed))
    # Sides of a whole number of pixels, or tiles (whose sides are multiples of 16) would not meet.
    zoom = max(round(draft.crop.zoom * 16) / 16, float(max(TILES_HW)))
    return replace(draft, crop=Crop(zoom, draft.crop.at_xy), tile_of=(seed, origin))


def _draft(seed: int, origin: Origin, rng: Rng) -> Draft:
    draft = _compose(seed, origin, rng)
    if spares_suns(origin.exposure) and any(thing.noun == "sun" for thing in draft.shapes.things):
        draft.weather.spare_the_brightest()
    return draft


def _compose(seed: int, origin: Origin, rng: Rng) -> Draft:
    shapes = DisplayList()
    weather = draw_weather(rng, shapes)
    if origin.namespace == "compositions":
        wanted = HELD_OUT_COMPOSITIONS[seed % len(HELD_OUT_COMPOSITIONS)]
        compose(shapes, rng, weather, "close", wanted)
        return Draft(shapes, weather, "close", rng)
    variant = variant_named(origin.variant)
    shapes.polished = variant.polished
    kind = rng.weighted(variant.kinds)
    if kind == "street":
        street = plan_street(seed, origin.namespace, fair=rng.chance(0.5))
        if variant.missing:
            empty_street(street, rng, variant.missing)
        shapes = compose_moment(street, rng.uniform(0.0, 7.0), variant.polished)
        weather = street.weather
    else:
        compose(shapes, rng, weather, kind)
    crop = Crop()
    if variant.lens_share and rng.chance(variant.lens_share):
        crop = Crop(rng.uniform(*variant.lens_zooms), (rng.random(), rng.random()))
    return Draft(shapes, weather, kind, rng, variant.everything, crop)


def take_picture(draft: Draft, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """The image of a draft, RGB uint8 (H, W, 3)."""
    if draft.tile_of is not None:
        width, height = size_wh
        row, column = tile_at(draft.number)
        mosaic = _mosaic_whole(*draft.tile_of, size_wh)
        tile = mosaic[row * height : (row + 1) * height, column * width : (column + 1) * width]
        return np.ascontiguousarray(tile)
    painted = paint(draft.shapes, draft.crop.whole_size(size_wh))
    colors, relief, shining = (draft.crop.cut(whole, size_wh) for whole in painted)
    return expose(colors, relief, shining, draft.weather)


@functools.lru_cache(maxsize=1)
def _mosaic_whole(seed: int, origin: Origin, tile_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """The mosaic of which tiles of ``tile_wh`` are cut: exposed as one, so that light, blur and
    noise go on from tile to tile.
    """
    draft = _draft_whole(seed, origin)
    window_wh = (tile_wh[0] * TILES_HW[1], tile_wh[1] * TILES_HW[0])
    painted = paint(draft.shapes, draft.crop.whole_size(tile_wh))
    colors, relief, shining = (draft.crop.cut(whole, window_wh) for whole in painted)
    return expose(colors, relief, shining, draft.weather)


def look(draft: Draft) -> list[Part]:
    """What is visible enough to be spoken of, seen at a glance on a coarse grid."""
    whole = things_of(draft.shapes, draft.crop.whole_size(_GLANCE_WH))
    numbers = draft.crop.cut(whole, _GLANCE_WH)
    counts = np.bincount(numbers.ravel(), minlength=len(draft.shapes.things))
    shares = (counts / numbers.size).tolist()
    merged: dict[tuple[int, str], tuple[str, str | None, str | None, float]] = {}
    for number, thing in enumerate(draft.shapes.things):
        if shares[number] > 0:
            merged[(number, thing.noun)] = (thing.noun, thing.color, thing.ground, shares[number])
    # A sliver at the edge of a piece is not worth a name: pieces are to name little.
    return visible_parts(list(merged.values()), closely=draft.everything and draft.crop.zoom < 2)


def describe(draft: Draft, parts: Sequence[Part]) -> tuple[str, ...]:
    """The captions of a draft of which ``parts`` are visible."""
    return write_captions(draft.rng, parts, draft.weather.time, everything=draft.everything)


def generate_pair(
    seed: int, *, variant: str = "singles", size_wh: tuple[int, int] = SIZE_WH, exposure: str = "v1"
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """What training sees of scene ``seed`` of namespace "train": image and captions, no masks.

    Args:
        seed: the scene's number, from 0.
        variant: what the scenes are like, one of :data:`variants.VARIANTS`.
        size_wh: width and height of the image in pixels.
        exposure: how suns are exposed, one of :data:`exposure.EXPOSURES`.

    Returns:
        RGB uint8 (H, W, 3), and the candidate captions.

    Raises:
        ValueError: for an unknown variant or exposure, or a negative seed.
    """
    draft = draft_scene(seed, Origin("train", variant, exposure))
    captions = describe(draft, look(draft))
    return take_picture(draft, size_wh), captions


def generate_scene(
    seed: int,
    *,
    namespace: str,
    size_wh: tuple[int, int] = SIZE_WH,
    exposure: str = "v2",
    variant: str = "evaluation",
) -> Scene:
    """Scene ``seed`` of ``namespace`` with its exact labels, for evaluation and for looking.

    Args:
        seed: the scene's number, from 0.
        namespace: its stream of seeds, one of :data:`rng.NAMESPACES`.
        size_wh: width and height of image and labels in pixels.
        exposure: how suns are exposed, one of :data:`exposure.EXPOSURES`.
        variant: what the scenes are like, one of :data:`variants.VARIANTS`. Compositions are all of
            one kind and know none.

    Raises:
        ValueError: for an unknown namespace, variant or exposure, or a negative seed.
    """
    from training.data.streetworld.masks import labels_of

    draft = draft_scene(seed, Origin(namespace, variant, exposure))
    parts = look(draft)
    captions = describe(draft, parts)
    return Scene(
        image_hw3=take_picture(draft, size_wh),
        labels_hw=draft.crop.cut(labels_of(draft.shapes, draft.crop.whole_size(size_wh)), size_wh),
        captions=captions,
        namespace=namespace,
        seed=seed,
        parts=tuple((part.noun, part.color, part.share) for part in parts),
    )
