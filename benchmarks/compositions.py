"""The open-vocabulary test: pairs of colour and noun that no training caption ever held.

In a scene with, say, a purple bus, the model is asked for every class of the world, with "bus"
replaced by "purple bus" and by the same noun in a colour that is not there. A model that knows
nouns only cannot tell the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.datasets import generate_scenes
from benchmarks.metrics import class_ious, count_confusions
from training.data.streetworld import CLASS_NAMES, COLOURED, HELD_OUT_COMPOSITIONS, Scene

LEAST_SHARE = 0.005  # of the image: below it a composition is too small to be asked for

Segment = Callable[[np.ndarray, Sequence[str]], np.ndarray]  # frame_bgr, words -> labels (h, w)


def find_composition(scene: Scene) -> tuple[str, str] | None:
    """The largest held-out pair that a scene shows, alone of its noun; None if it has none."""
    for noun, colour, share in sorted(scene.parts, key=lambda part: -part[2]):
        if (colour, noun) not in HELD_OUT_COMPOSITIONS or share < LEAST_SHARE:
            continue
        others = {other for name, other, _ in scene.parts if name == noun and other != colour}
        if not others:
            return str(colour), noun
    return None


def rival_colour(composition: tuple[str, str]) -> str:
    """The commonest other colour of the same noun that training does name with it."""
    colour, noun = composition
    weights = {
        other: weight
        for other, weight in COLOURED[noun].items()
        if other != colour and (other, noun) not in HELD_OUT_COMPOSITIONS
    }
    return max(weights, key=lambda other: weights[other])


def composition_words(composition: tuple[str, str]) -> list[str]:
    """The world's classes with the noun's own word replaced; the rival phrase comes last."""
    colour, noun = composition
    words = [f"{colour} {noun}" if name == noun else name for name in CLASS_NAMES]
    return [*words, f"{rival_colour(composition)} {noun}"]


def score_compositions(
    segment: Segment, seed: int, scenes: int, size_wh: tuple[int, int], *, progress: bool = False
) -> dict[str, Any]:
    """Score ``scenes`` scenes of the namespace "compositions".

    Returns the mean over compositions of the phrase's IoU, the IoU of each, the share of the
    object's pixels that went to the right one of the two phrases (0.5 = colour-blind), and how
    many scenes each rests on.
    """
    found: dict[tuple[str, str], list[Scene]] = {}
    for scene in generate_scenes(seed, scenes, size_wh, namespace="compositions"):
        composition = find_composition(scene)
        if composition is not None:
            found.setdefault(composition, []).append(scene)
    iou: dict[str, float] = {}
    right, wrong = 0, 0
    # one composition after the other: a change of words costs a text encoding
    for composition, its_scenes in tqdm(
        sorted(found.items()), desc="compositions", leave=False, disable=None if progress else True
    ):
        counts = _count(segment, composition, its_scenes)
        index = CLASS_NAMES.index(composition[1])
        iou[" ".join(composition)] = float(class_ious(counts)[index])
        right += int(counts[index, index])
        wrong += int(counts[index, len(CLASS_NAMES)])  # the rival phrase's column
    return {
        "miou": float(np.mean(list(iou.values()))) if iou else float("nan"),
        "iou": iou,
        "right_colour": right / (right + wrong) if right + wrong else float("nan"),
        "scenes": {" ".join(pair): len(its_scenes) for pair, its_scenes in sorted(found.items())},
    }


def _count(segment: Segment, composition: tuple[str, str], scenes: Sequence[Scene]) -> np.ndarray:
    words = composition_words(composition)
    # the rival is a class without truth, so that pixels given to it count as missed
    counts = np.zeros((len(words), len(words) + 1), np.int64)
    for scene in scenes:
        frame_bgr = cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR)
        counts += count_confusions(scene.labels_hw, segment(frame_bgr, words), len(words))
    return counts
