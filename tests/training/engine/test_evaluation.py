"""What models are scored on while they train."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from training.config.run import EvalConfig
from training.data.streetworld import generate_scene
from training.engine.evaluation import held_out_scenes


def test_held_out_scenes_are_none_of_trainings() -> None:
    config = EvalConfig(first_seed=7, scenes=2, size_wh=(64, 48))
    scenes = list(held_out_scenes(config))
    assert len(scenes) == 2
    for seed, (image_hw3, labels_hw) in zip((7, 8), scenes, strict=True):
        scene = generate_scene(seed, namespace="eval", size_wh=(64, 48))
        assert np.array_equal(image_hw3, scene.image_hw3)
        assert np.array_equal(labels_hw, scene.labels_hw)
        trained = generate_scene(seed, namespace="train", size_wh=(64, 48))
        assert not np.array_equal(image_hw3, trained.image_hw3)
