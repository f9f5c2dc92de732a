"""The flags with which a command's user chooses frames to score, and the set they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks.datasets.evaluation_set import EvaluationSet, Selection
from benchmarks.datasets.registry import DEFAULT, all_datasets
from runtime.flag_values import size_wh, whole_number

LEAST_SIDE = 16  # pixels of a generated scene


def frame_range(text: str) -> tuple[int, int]:
    """``1-50`` -> (1, 50), counted from 1, both ends in; raises ``ArgumentTypeError``."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of frames; expected e.g. 1-50")
    return int(first), int(last)


def add_dataset_flags(add: Callable[..., object]) -> None:
    """Add the flags; ``add`` is a parser's ``add_argument``."""
    known = "; ".join(f"{one.name}: {one.summary}" for one in all_datasets().values())
    add(
        "--dataset",
        choices=tuple(all_datasets()),
        default=DEFAULT,
        metavar="NAME",
        help=f"what to score on ({DEFAULT}). {known}",
    )
    add("--root", type=Path, help="folder of a set of files (CamVid's else $CAMVID_ROOT)")
    add("--seed", type=whole_number(0), help="which generated scenes, 0; which street, the clip's")
    add("--scenes", type=whole_number(1), default=200, help="how many of them")
    add("--size", type=size_wh(LEAST_SIDE), default=(320, 240), help="their pixels, 320x240")
    add("--frames", type=frame_range, help="of a set of files, counted from 1, e.g. 1-50")


def open_dataset(arguments: argparse.Namespace) -> EvaluationSet:
    """The frames that the flags describe; ``arguments.seed`` becomes the set's own if not given.

    Raises:
        runtime.errors.UserError: they are not there.
    """
    dataset = all_datasets()[arguments.dataset]
    if arguments.seed is None:
        arguments.seed = dataset.seed
    return dataset.open(
        Selection(
            root=arguments.root,
            seed=arguments.seed,
            scenes=arguments.scenes,
            size_wh=arguments.size,
            frames=arguments.frames,
        )
    )
