"""Procedural brightness tiles (128 = neutral), made once per process when first used."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

TILE = 256  # a tile repeats after this many pixels; it is stored twice in both directions

Tile = NDArray[np.uint8]


def _noise(seed: int, *scales: tuple[float, float, float]) -> NDArray[np.float32]:
    """Periodic smooth noise of unit deviation: a sum over (sigma_x, sigma_y, weight)."""
    rng = np.random.default_rng([20, seed])
    white = rng.standard_normal((TILE, TILE)).astype(np.float32)
    total = np.zeros_like(white)
    for sigma_x, sigma_y, weight in scales:
        if sigma_x <= 0:
            layer = white
        else:
            wide = np.pad(white, 96, mode="wrap")
            layer = cv2.GaussianBlur(wide, (0, 0), sigma_x, sigmaY=sigma_y)[96:-96, 96:-96]
        total += weight * layer / layer.std()
        white = rng.standard_normal((TILE, TILE)).astype(np.float32)
    return (total - total.mean()) / total.std()


def _bricks() -> NDArray[np.float32]:
    rng = np.random.default_rng([21])
    tile = np.zeros((TILE, TILE), np.float32)
    for row in range(TILE // 8):
        shift = 8 * (row % 2)
        for column in range(TILE // 16):
            value = rng.normal(0, 0.6)
            tile[row * 8 : row * 8 + 7, (np.arange(15) + column * 16 + shift) % TILE] = value
        tile[row * 8 + 7] = 1.6
        tile[row * 8 : row * 8 + 8, (np.arange(TILE // 16) * 16 + shift + 15) % TILE] = 1.6
    return tile + 0.4 * _noise(1, (0, 0, 1))


def _slabs() -> NDArray[np.float32]:
    rng = np.random.default_rng([22])
    tile = np.repeat(np.repeat(rng.normal(0, 0.55, (8, 8)), 32, 0), 32, 1).astype(np.float32)
    tile[::32] = tile[1::32] = -2.2
    tile[:, ::32] = tile[:, 1::32] = -2.2
    return tile + 0.45 * _noise(2, (0, 0, 1), (3, 3, 0.6))


def _planks() -> NDArray[np.float32]:
    rng = np.random.default_rng([23])
    tile = np.repeat(rng.normal(0, 0.8, (1, 16)), 16, 1).astype(np.float32)
    tile = np.repeat(tile, TILE, 0)
    tile[:, ::16] = -2.5
    return tile + 0.5 * _noise(3, (0.6, 12, 1))


_RECIPES = {
    "asphalt": lambda: _noise(10, (0, 0, 1), (1.2, 1.2, 0.7), (20, 20, 0.9)),
    "gravel": lambda: _noise(11, (1.3, 1.3, 1), (6, 6, 0.6), (0, 0, 0.4)),
    "grass": lambda: _noise(12, (0.6, 1.8, 1.2), (5, 5, 0.6), (24, 24, 0.7)),
    "sand": lambda: _noise(13, (10, 1.6, 1), (0, 0, 0.6), (30, 30, 0.5)),
    "water": lambda: _noise(14, (9, 1.1, 1.2), (24, 3, 0.8)),
    "waves": lambda: _noise(15, (6, 2.2, 1.2), (20, 5, 0.8)),
    "leaves": lambda: _noise(16, (1.6, 1.6, 1.2), (5, 5, 0.9), (0, 0, 0.4)),
    "needles": lambda: _noise(17, (2.4, 0.9, 1.2), (5, 3, 0.7)),
    "plaster": lambda: _noise(18, (0, 0, 0.4), (12, 20, 1), (2, 2, 0.4)),
    "twigs": lambda: _noise(19, (0.8, 2.0, 1), (2.0, 0.8, 1)),
    "fur": lambda: _noise(24, (2.2, 0.8, 1), (6, 6, 0.5)),
    "cloud": lambda: _noise(25, (16, 9, 1), (5, 4, 0.6)),
    "metal": lambda: _noise(26, (30, 8, 1), (8, 2, 0.4)),
    "brick": _bricks,
    "slabs": _slabs,
    "planks": _planks,
}
_CONTRAST = {
    "asphalt": 13.0, "gravel": 22.0, "grass": 26.0, "sand": 13.0, "water": 22.0, "waves": 30.0,
    "leaves": 34.0, "needles": 32.0, "plaster": 9.0, "twigs": 40.0, "fur": 18.0, "cloud": 10.0,
    "metal": 12.0, "brick": 17.0, "slabs": 13.0, "planks": 16.0,
}  # fmt: skip
TILE_NAMES: tuple[str, ...] = tuple(_RECIPES)


@cache
def tile_of(name: str) -> Tile:
    """The tile ``name`` as uint8 (512, 512): 256 x 256, repeated twice in both directions."""
    levels = 128 + _CONTRAST[name] * np.clip(_RECIPES[name](), -3, 3)
    return np.ascontiguousarray(np.tile(np.clip(levels, 20, 236).astype(np.uint8), (2, 2)))


@cache
def ranked_tile() -> Tile:
    """Twig-shaped noise whose values are spread evenly over 0..255, for stippling."""
    noise = _noise(30, (0.7, 1.6, 1), (1.6, 0.7, 1), (4, 4, 0.5))
    ranks = np.empty(noise.size, np.float64)
    ranks[np.argsort(noise, axis=None, kind="stable")] = np.arange(noise.size)
    even = (ranks * (256 / noise.size)).astype(np.uint8).reshape(noise.shape)
    return np.ascontiguousarray(np.tile(even, (2, 2)))


NOISE_LEVELS = 12


@cache
def sensor_noise(level: int) -> tuple[Tile, Tile]:
    """The sensor's color noise, deviation ``level``: what it adds and what it takes.

    Two tiles of uint8 (512, 512, 3), because adding bytes costs a tenth of adding floats.
    """
    rng = np.random.default_rng([31])
    grey = rng.standard_normal((512, 512, 1)) * 0.77
    tint = rng.standard_normal((512, 512, 3)) * 0.64
    noise = np.round((grey + tint) * level)
    return np.clip(noise, 0, 60).astype(np.uint8), np.clip(-noise, 0, 60).astype(np.uint8)
