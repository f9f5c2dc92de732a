"""Scenes that several tests look at, drawn once."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from training.data.streetworld import VARIANTS, Scene, generate_scene
from training.data.streetworld.variants import Variant

SMALL_WH = (64, 48)


@pytest.fixture(scope="session")
def held_out() -> list[Scene]:
    """The first 200 evaluation scenes, small."""
    return [generate_scene(seed, namespace="eval", size_wh=SMALL_WH) for seed in range(200)]


@pytest.fixture(scope="session")
def scenes_of() -> Callable[[str, int], list[Scene]]:
    """Draws the first training scenes of a kind, whole and small."""

    @functools.cache
    def draw(kind: str, count: int) -> list[Scene]:
        name = f"only {kind}"
        VARIANTS[name] = Variant(kinds={kind: 1.0})
        try:
            return [
                generate_scene(
                    seed, namespace="train", size_wh=SMALL_WH, exposure="v1", variant=name
                )
                for seed in range(count)
            ]
        finally:
            del VARIANTS[name]

    return draw
