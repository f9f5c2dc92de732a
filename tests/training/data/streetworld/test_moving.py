"""The moving scene: smooth, exact, repeatable, and never one of training's."""

from __future__ import annotations

import hashlib
from itertools import islice, pairwise

import numpy as np
import pytest

from training.data.streetworld import CLASS_NAMES, moving_scene

SIZE_WH = (160, 90)


def test_same_seed_same_frames_whatever_the_length() -> None:
    short = list(moving_scene(3, frames=3, size_wh=SIZE_WH))
    long = list(islice(moving_scene(3, frames=50, size_wh=SIZE_WH), 3))
    for first, second in zip(short, long, strict=True):
        assert np.array_equal(first.image_hw3, second.image_hw3)
        assert np.array_equal(first.labels_hw, second.labels_hw)
    assert short[0].namespace == "demo"


def test_it_moves_smoothly_and_the_masks_go_along() -> None:
    frames = list(moving_scene(0, frames=30, size_wh=SIZE_WH))
    hashes = {hashlib.sha256(frame.image_hw3.tobytes()).digest() for frame in frames}
    assert len(hashes) == 30
    for before, after in pairwise(frames):
        assert (before.labels_hw == after.labels_hw).mean() > 0.8
    assert (frames[0].labels_hw != frames[-1].labels_hw).mean() > 0.05


def test_cars_and_people_are_large_throughout() -> None:
    for seed in (0, 1, 2):
        car = person = 0.0
        for frame in moving_scene(seed, frames=10, fps=1.5, size_wh=SIZE_WH):
            assert (frame.labels_hw != 255).all()
            car += (frame.labels_hw == CLASS_NAMES.index("car")).mean() / 10
            person += (frame.labels_hw == CLASS_NAMES.index("person")).mean() / 10
        assert car > 0.06 and person > 0.015, (seed, car, person)


def test_a_longer_lens_brings_people_nearer() -> None:
    def tallest(zoom: float) -> int:
        (scene,) = moving_scene(1, frames=1, size_wh=SIZE_WH, zoom=zoom)
        rows = (scene.labels_hw == CLASS_NAMES.index("bicyclist")).any(axis=1)
        return int(rows.sum())

    assert tallest(1.6) > 1.4 * tallest(1.0) > 0


@pytest.mark.parametrize(("namespace", "seed"), [("train", 0), ("film", 0), ("demo", -1)])
def test_training_has_no_clips(namespace: str, seed: int) -> None:
    with pytest.raises(ValueError, match=r"namespace|seed"):
        next(moving_scene(seed, namespace=namespace, frames=1))
