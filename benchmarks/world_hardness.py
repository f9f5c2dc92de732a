"""How far colour and place alone get on StreetWorld, taught WITH masks.

A per-pixel classifier sees R, G, B and x, y of a pixel and its true class on training scenes,
and is scored on evaluation scenes. The world must not be solved by it: 40 mIoU at most.

    python -m benchmarks.world_hardness --json hardness.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.streetworld import CLASS_NAMES, generate_scene

SIZE_WH = (128, 96)


def pixel_features(image_hw3: NDArray[np.uint8]) -> NDArray[np.float32]:
    """R, G, B, x, y of every pixel, float32 (H*W, 5), each in 0..1."""
    height, width = image_hw3.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    place = np.stack([(x + 0.5) / width, (y + 0.5) / height], -1)
    return np.concatenate([image_hw3 / 255.0, place], -1).reshape(-1, 5).astype(np.float32)


def sample_pixels(
    scenes: int, per_scene: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Features (n, 5) and true classes (n,) of random pixels of the first training scenes."""
    features, labels = [], []
    for seed in range(scenes):
        scene = generate_scene(seed, namespace="train", size_wh=SIZE_WH)
        truth = scene.labels_hw.ravel()
        chosen = rng.choice(np.flatnonzero(truth != 255), per_scene)
        features.append(pixel_features(scene.image_hw3)[chosen])
        labels.append(truth[chosen])
    return np.concatenate(features), np.concatenate(labels)


def balance(labels: NDArray[np.uint8], power: float) -> NDArray[np.float64]:
    """A weight per sample (n,): rare classes count more; power 0 = no change, 1 = all equal."""
    counts = np.bincount(labels, minlength=len(CLASS_NAMES)).clip(1)
    weights = (counts.sum() / counts) ** power
    return weights[labels]


def score(confusion: NDArray[np.int64]) -> dict[str, float]:
    """IoU of each class that the truth holds, from a (classes, classes) confusion matrix."""
    hits = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hits
    return {
        name: float(hits[n] / union[n])
        for n, name in enumerate(CLASS_NAMES)
        if confusion[n].sum() > 0
    }


def measure(
    *, train_scenes: int, per_scene: int, eval_scenes: int, power: float, rounds: int
) -> dict[str, object]:
    """Trains the pixel classifier and scores it; the result is ready for JSON."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    features, labels = sample_pixels(train_scenes, per_scene, np.random.default_rng(7))
    model = HistGradientBoostingClassifier(max_iter=rounds, max_leaf_nodes=63, random_state=0)
    model.fit(features, labels, sample_weight=balance(labels, power))
    classes = len(CLASS_NAMES)
    confusion = np.zeros((classes, classes), np.int64)
    for seed in range(eval_scenes):
        scene = generate_scene(seed, namespace="eval", size_wh=SIZE_WH)
        truth = scene.labels_hw.ravel()
        guess = model.predict(pixel_features(scene.image_hw3))
        known = truth != 255
        pairs = truth[known].astype(np.int64) * classes + guess[known]
        confusion += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    iou = score(confusion)
    return {
        "dataset": "streetworld",
        "classifier": "HistGradientBoosting on R, G, B, x, y of single pixels, taught with masks",
        "train_scenes": train_scenes,
        "train_pixels": len(labels),
        "eval_scenes": eval_scenes,
        "class_balance_power": power,
        "miou": float(np.mean(list(iou.values()))),
        "iou": iou,
    }


def main(arguments: list[str] | None = None) -> int:
    """The command; prints the figures and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.world_hardness",
        description="Scores a classifier of single pixels (colour and place, taught with masks).",
        epilog="example: python -m benchmarks.world_hardness --json hardness.json",
    )
    parser.add_argument("--train-scenes", type=int, default=2000, help="scenes it learns from")
    parser.add_argument("--per-scene", type=int, default=100, help="pixels of each of them")
    parser.add_argument("--eval-scenes", type=int, default=200, help="scenes it is scored on")
    parser.add_argument("--balance", type=float, default=0.5, help="0 = as is, 1 = classes equal")
    parser.add_argument("--rounds", type=int, default=100, help="boosting rounds")
    parser.add_argument("--limit", type=float, default=0.40, help="mIoU above which this fails")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    result = measure(
        train_scenes=options.train_scenes,
        per_scene=options.per_scene,
        eval_scenes=options.eval_scenes,
        power=options.balance,
        rounds=options.rounds,
    )
    iou = result["iou"]
    assert isinstance(iou, dict)
    for name, value in iou.items():
        print(f"{name:10s} {100 * value:5.1f}")
    print(f"{'mIoU':10s} {100 * float(str(result['miou'])):5.1f}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    if float(str(result["miou"])) > options.limit:
        print(f"the world is too easy: mIoU above {options.limit}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
