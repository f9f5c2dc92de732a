"""``python -m benchmarks.world_hardness``: how far color and place alone get on StreetWorld.

A classifier of single pixels sees R, G, B and x, y, and is taught WITH masks on training scenes,
which nothing else in this project is. The world must not be solved by it: 40 mIoU at most.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.datasets.streetworld import generate_scenes
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from runtime.command import CommandParser
from runtime.confusion_matrix import IGNORE, count_confusions, mean_iou, named_ious
from runtime.errors import MgcaError, UserError
from runtime.flag_values import number, whole_number
from training.data.streetworld import CLASS_NAMES, generate_scene

PROG = "python -m benchmarks.world_hardness"
SIZE_WH = (128, 96)
TAUGHT_ON = "singles"  # the variant of the scenes that it learns from, exposed as in training
LIMIT = 0.40  # mIoU above which the world is too easy


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
        scene = generate_scene(
            seed, namespace="train", size_wh=SIZE_WH, exposure="v1", variant=TAUGHT_ON
        )
        truth = scene.labels_hw.ravel()
        known = np.flatnonzero(truth != IGNORE)
        if len(known):
            chosen = rng.choice(known, per_scene)
            features.append(pixel_features(scene.image_hw3)[chosen])
            labels.append(truth[chosen])
    return np.concatenate(features), np.concatenate(labels)


def balance(labels: NDArray[np.uint8], power: float) -> NDArray[np.float64]:
    """A weight per sample (n,): rare classes count more; power 0 = as they are, 1 = all equal."""
    counts = np.bincount(labels, minlength=len(CLASS_NAMES)).clip(1)
    return np.asarray((counts.sum() / counts) ** power)[labels]


def measure_hardness(arguments: argparse.Namespace) -> dict[str, Any]:
    """Teach the pixel classifier, score it on evaluation scenes; the record, ready for JSON."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError:
        raise UserError(
            "scikit-learn is missing; install the dev extra: pip install -e '.[dev]'"
        ) from None
    features, labels = sample_pixels(
        arguments.train_scenes, arguments.per_scene, np.random.default_rng(7)
    )
    model = HistGradientBoostingClassifier(
        max_iter=arguments.rounds, max_leaf_nodes=63, random_state=0
    )
    model.fit(features, labels, sample_weight=balance(labels, arguments.balance))
    confusion = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES) + 1), np.int64)
    for scene in generate_scenes(arguments.seed, arguments.scenes, SIZE_WH):
        guess = model.predict(pixel_features(scene.image_hw3)).astype(np.uint8)
        guess = guess.reshape(scene.labels_hw.shape)
        confusion += count_confusions(scene.labels_hw, guess, len(CLASS_NAMES))
    return {
        "dataset": "streetworld",
        "classifier": "gradient boosting on R, G, B, x, y of single pixels, taught with masks",
        "miou": mean_iou(confusion),
        "iou": named_ious(confusion, CLASS_NAMES),
        "limit": LIMIT,
        "settings": {
            "train_scenes": arguments.train_scenes,
            "train_pixels": len(labels),
            "eval_scenes": arguments.scenes,
            "seed": arguments.seed,
            "size_wh": list(SIZE_WH),
            "class_balance_power": arguments.balance,
            "rounds": arguments.rounds,
        },
    }


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Score a classifier of single pixels (color and place, taught with masks).",
        epilog=f"example:\n  {PROG} --json benchmarks/results/world_hardness.json",
    )
    parser.add_argument(
        "--train-scenes", type=whole_number(1), default=2000, help="scenes it learns from"
    )
    parser.add_argument("--per-scene", type=whole_number(1), default=100, help="pixels of each")
    parser.add_argument(
        "--scenes", type=whole_number(1), default=200, help="scenes it is scored on"
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, help="which evaluation scenes")
    parser.add_argument(
        "--balance", type=number(0, 1), default=0.5, help="class weights: 0 = none, 1 = all equal"
    )
    parser.add_argument("--rounds", type=whole_number(1), default=100, help="of boosting")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record.

    Raises:
        MgcaError: the world is too easy.
    """
    check_writable(arguments.json)
    started = time.perf_counter()
    record = measure_hardness(arguments)
    record |= {
        "seconds": round(time.perf_counter() - started, 1),
        **describe_measurement(arguments),
    }
    rows: list[list[object]] = [[name, 100 * iou] for name, iou in record["iou"].items()]
    print(format_table(["IoU %", "pixels alone"], [*rows, ["mIoU", 100 * record["miou"]]]))
    if arguments.json:
        write_json(arguments.json, record)
    if record["miou"] > LIMIT:
        raise MgcaError(f"the world is too easy: more than {100 * LIMIT:.0f} mIoU")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
