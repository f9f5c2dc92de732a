"""Held-out compositions, scored with stand-ins whose figures are known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.datasets.streetworld import generate_scenes
from benchmarks.scoring.compositions import (
    composition_words,
    find_composition,
    rival_color,
    score_compositions,
)
from benchmarks.scoring.score import Predictor
from runtime.segment.segmenter import Units
from training.data.streetworld import CLASS_NAMES, COLORED, HELD_OUT_COMPOSITIONS, generate_scene

SIZE_WH = (96, 72)


def test_words_hold_the_phrase_in_its_nouns_place_and_a_rival_last():
    words = composition_words(("purple", "bus"))
    assert len(words) == len(CLASS_NAMES) + 1
    assert words[CLASS_NAMES.index("bus")] == "purple bus"
    assert "bus" not in words
    assert words[-1].endswith(" bus")
    assert words[-1] != "purple bus"


@pytest.mark.parametrize("composition", HELD_OUT_COMPOSITIONS)
def test_a_rival_is_a_color_that_training_names_with_the_noun(composition: tuple[str, str]):
    rival = rival_color(composition)
    assert rival in COLORED[composition[1]]
    assert rival != composition[0]
    assert (rival, composition[1]) not in HELD_OUT_COMPOSITIONS


def test_a_composition_counts_only_alone_of_its_noun_and_large_enough():
    scene = generate_scene(0, namespace="eval", size_wh=(32, 24))
    purple, red = ("bus", "purple", 0.1), ("bus", "red", 0.1)
    assert find_composition(replace(scene, parts=(purple,))) == ("purple", "bus")
    assert find_composition(replace(scene, parts=(purple, red))) is None
    assert find_composition(replace(scene, parts=(red,))) is None
    assert find_composition(replace(scene, parts=(("bus", "purple", 0.001),))) is None
    larger = ("dog", "green", 0.2)
    assert find_composition(replace(scene, parts=(purple, larger))) == ("green", "dog")


@pytest.fixture(scope="module")
def truth_of_frame() -> dict[bytes, np.ndarray]:
    scenes = generate_scenes(0, 30, SIZE_WH, namespace="compositions")
    return {scene.image_hw3[:, :, ::-1].tobytes(): scene.labels_hw for scene in scenes}


def test_knowing_everything_scores_one(truth_of_frame: dict[bytes, np.ndarray]):
    def predictor_for(words: Sequence[str]) -> Predictor:
        def know(frame_bgr: np.ndarray, units: Sequence[Units]) -> dict[Units, np.ndarray]:
            return {kind: truth_of_frame[frame_bgr.tobytes()] for kind in units}

        return know

    scenes = generate_scenes(0, 30, SIZE_WH, namespace="compositions")
    found = score_compositions(predictor_for, scenes, ["adaptive", "pixel"])
    assert set(found) == {"adaptive", "pixel"}
    for record in found.values():
        assert set(record["iou"]) == {" ".join(pair) for pair in HELD_OUT_COMPOSITIONS}
        assert record["miou"] == 1.0
        assert record["right_color"] == 1.0
        assert 20 <= sum(record["scenes"].values()) <= 30


def test_a_color_blind_half_is_half_right(truth_of_frame: dict[bytes, np.ndarray]):
    """Every other column of the object goes to the rival phrase; "pixel" takes it all."""

    def predictor_for(words: Sequence[str]) -> Predictor:
        index = next(i for i, word in enumerate(words) if " " in word)

        def guess(frame_bgr: np.ndarray, units: Sequence[Units]) -> dict[Units, np.ndarray]:
            labels: dict[Units, np.ndarray] = {}
            for kind in units:
                labels_hw = truth_of_frame[frame_bgr.tobytes()].copy()
                object_hw = labels_hw == index
                if kind == "adaptive":
                    object_hw[:, ::2] = False
                labels_hw[object_hw] = len(words) - 1
                labels[kind] = labels_hw
            return labels

        return guess

    scenes = generate_scenes(0, 30, SIZE_WH, namespace="compositions")
    found = score_compositions(predictor_for, scenes, ["adaptive", "pixel"])
    assert found["adaptive"]["right_color"] == pytest.approx(0.5, abs=0.03)
    assert found["adaptive"]["miou"] == pytest.approx(0.5, abs=0.06)
    assert found["pixel"]["right_color"] == 0.0
    assert found["pixel"]["miou"] == 0.0
