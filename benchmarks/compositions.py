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
from benchmarks.metrics import count_confusions
from training.data.streetworld import CLASS_NAMES, HELD_OUT_COMPOSITIONS, Scene

LEAST_SHARE = 0.005  # of the image: below it a composition is too small to be asked for
RIVAL_COLOURS = ("red", "blue", "green", "yellow", "white", "black")

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
    """Another colour of the same noun, itself captioned in training, the same for every scene."""
    colour, noun = composition
    choices = [c for c in RIVAL_COLOURS if c != colour and (c, noun) not in HELD_OUT_COMPOSITIONS]
    return choices[sum(map(ord, colour + noun)) % len(choices)]


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
    preferred: dict[str, float] = {}
    counted: dict[str, int] = {}
    # one composition after the other: a change of words costs a text encoding
    for composition, its_scenes in tqdm(
        sorted(found.items()), desc="compositions", leave=False, disable=None if progress else True
    ):
        phrase = " ".join(composition)
        iou[phrase], preferred[phrase] = _score_one(segment, composition, its_scenes)
        counted[phrase] = len(its_scenes)
    return {
        "miou": float(np.mean(list(iou.values()))) if iou else float("nan"),
        "iou": iou,
        "right_colour": float(np.nanmean(list(preferred.values()))) if preferred else float("nan"),
        "right_colour_by_composition": preferred,
        "scenes": counted,
    }


def _score_one(
    segment: Segment, composition: tuple[str, str], scenes: Sequence[Scene]
) -> tuple[float, float]:
    words = composition_words(composition)
    index, rival = CLASS_NAMES.index(composition[1]), len(words) - 1
    confusion = np.zeros((len(words), len(words) + 1), np.int64)
    for scene in scenes:
        frame_bgr = cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR)
        confusion += count_confusions(scene.labels_hw, segment(frame_bgr, words), len(words))
    right, wrong = confusion[index, index], confusion[index, rival]
    union = confusion[index].sum() + confusion[:, index].sum() - right
    return float(right / union), float(right / (right + wrong)) if right + wrong else float("nan")
