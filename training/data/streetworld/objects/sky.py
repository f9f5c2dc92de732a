"""Sky, clouds and the sun."""

from __future__ import annotations

from training.data.streetworld.drawing import GLOW, DisplayList, Texture
from training.data.streetworld.geometry import disc
from training.data.streetworld.objects.tree import blob
from training.data.streetworld.palette import Color, mix
from training.data.streetworld.rng import Rng

# (upper, lower) colors by the sky's word; the word goes into captions
_SKIES: dict[str, tuple[tuple[tuple[int, int, int], tuple[int, int, int]], ...]] = {
    "blue": (
        ((70, 130, 215), (170, 205, 240)),
        ((40, 100, 200), (130, 180, 235)),
        ((110, 170, 230), (205, 225, 240)),
        ((120, 185, 225), (200, 235, 250)),
    ),
    "grey": (
        ((130, 136, 144), (180, 184, 188)),
        ((165, 170, 176), (205, 208, 210)),
        ((100, 106, 116), (150, 154, 160)),
    ),
    "white": (
        ((225, 230, 236), (244, 246, 248)),
        ((240, 242, 244), (252, 252, 252)),
        ((210, 224, 238), (250, 250, 250)),
    ),
    "orange": (
        ((120, 110, 150), (240, 150, 80)),
        ((200, 120, 90), (250, 180, 90)),
        ((90, 90, 140), (235, 120, 70)),
    ),
    "pink": (((130, 130, 190), (240, 170, 180)), ((190, 150, 190), (250, 200, 190))),
    "dark": (
        ((14, 18, 36), (40, 48, 76)),
        ((8, 10, 20), (24, 28, 44)),
        ((24, 26, 50), (70, 60, 80)),
    ),
}


def draw_sky(scene: DisplayList, rng: Rng, word: str, horizon: float) -> int:
    """Fills the image with sky; what comes after covers it. Returns its thing number."""
    thing = scene.thing("sky", word)
    upper, lower = rng.pick(_SKIES[word])
    jitter = [rng.uniform(-14, 14) for _ in range(3)]
    scene.gradient(
        tuple(min(max(c + j, 0), 255) for c, j in zip(upper, jitter, strict=True)),  # type: ignore[arg-type]
        tuple(min(max(c + j, 0), 255) for c, j in zip(lower, jitter, strict=True)),  # type: ignore[arg-type]
        thing,
        max(horizon, 0.25),
    )
    return thing


def sky_color(word: str) -> Color:
    """The color of that sky near the horizon."""
    red, green, blue = _SKIES[word][0][1]
    return float(red), float(green), float(blue)


# What clouds look like in skies that are not blue or grey.
_CLOUDS: dict[str, Color] = {
    "orange": (250, 196, 170),
    "pink": (250, 196, 170),
    "dark": (78, 82, 98),
    "white": (176, 182, 190),
}


def draw_clouds(scene: DisplayList, rng: Rng, word: str, horizon: float, count: int) -> None:
    """Heaps of cloud between the upper edge and the horizon."""
    thing = scene.thing(
        "cloud",
        {"orange": "orange", "pink": "pink", "dark": "grey"}.get(word, rng.pick(("white", "grey"))),
    )
    plain: Color = (246, 246, 248) if scene.things[thing].color == "white" else (158, 162, 170)
    bright = _CLOUDS.get(word, plain)
    fluff = scene.texture(Texture("cloud", 110, 1.4, offset=(rng.random(), rng.random())))
    for _ in range(count):
        x, y = rng.uniform(-0.7, 0.7), rng.uniform(0.04, max(horizon * 0.8, 0.08))
        wide = rng.uniform(0.08, 0.3)
        tall = wide * rng.uniform(0.25, 0.5)
        scene.fill(
            blob(rng, x, y, wide, tall * 0.6, 0.1),
            mix(bright, (120, 130, 150), 0.25),
            thing,
            texture=fluff,
        )
        for _ in range(4):
            dx = rng.uniform(-0.6, 0.6)
            size = rng.uniform(0.35, 0.6) * (1 - abs(dx) * 0.6)
            scene.fill(
                blob(rng, x + dx * wide, y - tall * 0.35, wide * size, tall * size * 1.1, 0.08),
                bright,
                thing,
                texture=fluff,
            )


def draw_sun(scene: DisplayList, rng: Rng, word: str, x: float, y: float, radius: float) -> int:
    """The sun's disc with its glow."""
    paint: Color = (255, 252, 225)
    if word in ("orange", "pink", "grey"):
        paint = rng.pick(((255, 190, 70), (255, 130, 60), (250, 220, 120)))
    for reach, alpha in ((3.2, 0.12), (2.1, 0.18), (1.5, 0.25)):
        scene.blend(
            disc(x, y, radius * reach, radius * reach, 20), mix(paint, (255, 240, 200), 0.5), alpha
        )
    thing = scene.thing("sun", None)
    scene.fill(disc(x, y, radius, radius, 20), paint, thing, texture=GLOW)
    return thing
