"""A class that a background word hides is told, with the word's name."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from runtime.segment.rivals import RivalWatch
from tests.support.processes import ENGINE, Run


def frame(scores: list[list[float]], area: float = 0.0) -> Any:
    """One class (dog), two background words (cat, sky); ``scores`` (3, pixels)."""
    return SimpleNamespace(
        areas={"dog": area},
        class_names=("dog",),
        words=("dog", "cat", "sky"),
        label_of_row=np.array([0, 255, 255], np.uint8),
        grid_scores=np.array(scores, np.float32)[:, None],
    )


def watch(*frames: Any) -> list[tuple[str, str, float]]:
    watching = RivalWatch()
    for one in frames:
        watching.add(one)
    return [(one.class_name, one.rival, one.share) for one in watching.rivalries(["dog"])]


HIDDEN = frame([[0.5, 0.1, 0.5], [0.6, 0.2, 0.6], [0.1, 0.9, 0.1]])  # cat before dog on two of 3


def test_a_hidden_class_is_told() -> None:
    assert watch(HIDDEN, HIDDEN) == [("dog", "cat", 1.0)]


def test_a_class_that_was_found_once_is_not() -> None:
    assert watch(HIDDEN, frame([[0.9], [0.1], [0.2]], area=1.0)) == []


def test_two_rivals_that_share_its_pixels_are_not() -> None:
    assert watch(frame([[0.5, 0.5], [0.6, 0.1], [0.1, 0.6]])) == []


def test_a_class_that_is_not_there_is_not() -> None:
    assert watch(frame([[0.1], [0.5], [0.6]])) == []
    few = np.tile(np.array([[0.1], [0.5], [0.6]]), 999)
    few[:, 0] = 0.5, 0.6, 0.1
    assert watch(frame(few.tolist())) == []  # second on one pixel of 999


def test_the_command_warns_and_reports(
    run_here: Run, color_bundle: Path, clip: Path, tmp_path: Path
) -> None:
    """With the class's own color among the background, under another name."""
    from runtime.bundle import load_bundle

    names = load_bundle(color_bundle).vocabulary().names
    assert {"sky", "tree", "car"} <= set(names)
    done = run_here(
        "--video", clip, "--bundle", color_bundle, *ENGINE, "--classes", "sand",
        "--background", "sky", "--max-frames", 2, "--report", tmp_path / "r.json",
    )  # fmt: skip
    record = json.loads((tmp_path / "r.json").read_text())
    hidden = record["mean_areas"]["sand"] == 0
    assert hidden == bool(record["rivals"]) == ("'sand' was found nowhere" in done.stderr)
    assert record["background_dropped"] == []
