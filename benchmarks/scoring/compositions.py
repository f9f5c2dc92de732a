"""The open-vocabulary test: pairs of color and noun that no training caption ever held.

In a scene with, say, a purple bus, the model is asked for every class of the world, with "bus"
replaced by "purple bus" and by the same noun in a color that is not there. A model that knows
nouns only cannot tell the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.scoring.score import Kind, Predictor
from runtime.confusion_matrix import class_ious, count_confusions
from training.data.streetworld import CLASS_NAMES, COLORED, HELD_OUT_COMPOSITIONS, Scene

LEAST_SHARE = 0.005  # of the image: below it a composition is too small to be asked for


def find_composition(scene: Scene) -> tuple[str, str] | None:
    """The largest held-out pair that a scene shows, alone of its noun; None if it has none."""
    for noun, color, share in sorted(scene.parts, key=lambda part: -part[2]):
        if (color, noun) not in HELD_OUT_COMPOSITIONS or share < LEAST_SHARE:
            continue
        others = {other for name, other, _ in scene.parts if name == noun and other != color}
        if not others:
            return str(color), noun
    return None


def rival_color(composition: tuple[str, str]) -> str:
    """The commonest other color of the same noun that training does name with it."""
    color, noun = composition
    weights = {
        other: weight
        for other, weight in COLORED[noun].items()
        if other != color and (other, noun) not in HELD_OUT_COMPOSITIONS
    }
    return max(weights, key=lambda other: weights[other])


def composition_words(composition: tuple[str, str]) -> list[str]:
    """The world's classes with the noun's own word replaced; the rival phrase comes last."""
    color, noun = composition
    words = [f"{color} {noun}" if name == noun else name for name in CLASS_NAMES]
    return [*words, f"{rival_color(composition)} {noun}"]


def score_compositions(
    predictor_for: Callable[[Sequence[str]], Predictor],
    scenes: Iterable[Scene],
    units: Sequence[Kind],
    *,
    progress: bool = False,
) -> dict[Kind, dict[str, Any]]:
    """Score scenes that show held-out pairs of color and noun.

    Args:
        predictor_for: gives a predictor for a list of words.
        scenes: of the namespace "compositions".
        units: kinds of unit.
        progress: show a bar on a terminal.

    Returns:
        For each kind ``miou``, the mean over compositions of the phrase's IoU, ``iou`` of each,
        ``right_color``, the share of the objects' pixels that went to the right one of the two
        phrases (0.5 = color-blind), all fractions, and ``scenes``, how many each rests on.
    """
    found: dict[tuple[str, str], list[Scene]] = {}
    for scene in scenes:
        composition = find_composition(scene)
        if composition is not None:
            found.setdefault(composition, []).append(scene)
    counts: dict[tuple[str, str], dict[Kind, np.ndarray]] = {}
    # one composition after the other: a change of words costs a text encoding
    for composition, its_scenes in tqdm(
        sorted(found.items()), desc="compositions", leave=False, disable=None if progress else True
    ):
        words = composition_words(composition)
        counts[composition] = _count(predictor_for(words), its_scenes, len(words), units)
    examples = {" ".join(pair): len(its_scenes) for pair, its_scenes in sorted(found.items())}
    return {
        kind: _record({pair: by_units[kind] for pair, by_units in counts.items()})
        | {"scenes": examples}
        for kind in units
    }


def _count(
    predict: Predictor, scenes: Sequence[Scene], classes: int, units: Sequence[Kind]
) -> dict[Kind, np.ndarray]:
    # the rival, last, is a class without truth: pixels given to it count as missed
    counts: dict[Kind, np.ndarray] = {
        kind: np.zeros((classes, classes + 1), np.int64) for kind in units
    }
    for scene in scenes:
        frame_bgr = cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR)
        for kind, labels_hw in predict(frame_bgr, units).items():
            counts[kind] += count_confusions(scene.labels_hw, labels_hw, classes)
    return counts


def _record(counts: dict[tuple[str, str], np.ndarray]) -> dict[str, Any]:
    iou: dict[str, float] = {}
    right, wrong = 0, 0
    for (color, noun), matrix in counts.items():
        index = CLASS_NAMES.index(noun)
        iou[f"{color} {noun}"] = float(class_ious(matrix)[index])
        right += int(matrix[index, index])
        wrong += int(matrix[index, len(CLASS_NAMES)])  # the rival phrase's column
    return {
        "miou": float(np.mean(list(iou.values()))) if iou else float("nan"),
        "iou": iou,
        "right_color": right / (right + wrong) if right + wrong else float("nan"),
    }
