"""A class that a background word hides is told, with the word's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from runtime.bundle import Bundle, load_bundle
from runtime.demo import DEMO_BUNDLE
from runtime.segment.rivals import RivalWatch
from runtime.text.embedder import TextEmbedder
from runtime.text.likeness import nearly_the_same
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


def watch(
    *frames: Any, alike: Callable[..., bool] = lambda words, other: True
) -> list[tuple[str, str, float]]:
    watching = RivalWatch(alike)
    for one in frames:
        watching.add(one)
    return [(one.class_name, one.rival, one.share) for one in watching.rivalries(["dog"])]


HIDDEN = frame([[0.5, 0.1, 0.5], [0.6, 0.2, 0.6], [0.1, 0.9, 0.1]])  # cat before dog on two of 3


def test_a_hidden_class_is_told() -> None:
    assert watch(HIDDEN, HIDDEN) == [("dog", "cat", 1.0)]


def test_a_class_that_was_found_once_is_not() -> None:
    assert watch(HIDDEN, frame([[0.9], [0.1], [0.2]], area=1.0)) == []


def test_a_class_that_a_threshold_took_is_not() -> None:
    """Best on one pixel, without area: no rival took it, and other words would not bring it."""
    assert watch(frame([[0.5, 0.5, 0.9], [0.6, 0.6, 0.2], [0.1, 0.1, 0.1]])) == []


def test_two_rivals_that_share_its_pixels_are_not() -> None:
    assert watch(frame([[0.5, 0.5], [0.6, 0.1], [0.1, 0.6]])) == []


def test_a_class_that_is_not_there_is_not() -> None:
    assert watch(frame([[0.1], [0.5], [0.6]])) == []
    few = np.tile(np.array([[0.1], [0.5], [0.6]]), 999)
    few[:, 0] = 0.5, 0.6, 0.1
    assert watch(frame(few.tolist())) == []  # second on one pixel of 999


def test_a_rival_of_another_meaning_is_none() -> None:
    assert (
        watch(HIDDEN, HIDDEN, alike=lambda words, other: (words, other) != (["dog"], "cat")) == []
    )


def painted(folder: Path, color_rgb: tuple[int, int, int]) -> Path:
    """A picture of one color, for the hand-made bundle, which knows colors by their names."""
    image = np.full((48, 64, 3), color_rgb[::-1], np.uint8)
    path = folder / "picture.png"
    cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize(
    ("color_rgb", "asked", "background", "rival"),
    [
        ((255, 0, 0), "crimson", "red,blue", "red"),  # cosine 0.98: one and the same
        ((230, 110, 0), "crimson", "auto", "dark red"),  # 0.97, both on the bundle's list
        ((230, 110, 0), "thing=blue|crimson", "dark red,green", "dark red"),
        ((255, 0, 0), "yellow", "red,blue", None),  # next everywhere, at 0.6: it is not there
        ((255, 0, 0), "green", "red", None),
        ((250, 51, 0), "crimson", "red,blue", None),  # it is found
    ],
)
def test_on_a_painted_scene(
    run_here: Run,
    make_bundle: Callable[..., Bundle],
    tmp_path: Path,
    color_rgb: tuple[int, int, int],
    asked: str,
    background: str,
    rival: str | None,
) -> None:
    """Who looks for crimson in a red room is told of red; who looks for green is told nothing."""
    done = run_here(
        "--images", painted(tmp_path, color_rgb), "--bundle", make_bundle().path, *ENGINE,
        "--classes", asked, "--background", background, "--units", "pixel",
        "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "r.json").read_text())
    name = asked.split("=")[0]
    told = [] if rival is None else [{"class": name, "rival": rival, "share": 1.0}]
    assert record["rivals"] == told
    assert (f"'{name}' was found nowhere: the background word '{rival}'" in done.stderr) == bool(
        told
    )
    assert ("was found nowhere" in done.stderr) == bool(told)


@pytest.mark.parametrize(
    ("asked", "background", "rivals"),
    [
        ("pedestrian,boat,a flower", "person,road,sky,building,tree,car", ["person"]),
        ("boat,flower,sand,dog", "auto", []),
        ("pedestrian,street,cyclist", "auto", []),
    ],
)
def test_the_shipped_bundle_on_its_clip(
    run_here: Run, tmp_path: Path, asked: str, background: str, rivals: list[str]
) -> None:
    """The clip shows people, and neither boats nor flowers."""
    done = run_here(
        "--every", 20, "--max-frames", 3, *ENGINE, "--classes", asked, "--background", background,
        "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "r.json").read_text())
    assert [one["rival"] for one in record["rivals"]] == rivals


def test_nearly_the_same() -> None:
    """In the space of the shipped list: road and pavement lie at 0.51, sky and cloud at 0.26."""
    embedder = TextEmbedder(load_bundle(DEMO_BUNDLE, verify=False), 1)
    near = [("pedestrian", "person"), ("pavement", "road"), ("the trees", "tree")]
    apart = [("boat", "car"), ("cloud", "sky"), ("dog", "person"), ("bus", "car")]
    assert all(nearly_the_same(embedder, [one], other) for one, other in near)
    assert not any(nearly_the_same(embedder, [one], other) for one, other in apart)
    assert nearly_the_same(embedder, ["boat", "pedestrian"], "person")


def test_without_a_list_and_an_encoder_nothing_is_alike(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(
        files={"text_encoder.onnx": None, "tokenizer.json": None}, background_words=()
    )
    assert not nearly_the_same(TextEmbedder(bundle), ["crimson"], "red")


def test_other_words_in_mid_run_begin_anew() -> None:
    """As when a class is added while the stream runs: fewer words before, more after."""
    wider = SimpleNamespace(
        areas={"dog": 0.0, "car": 0.0},
        class_names=("dog", "car"),
        words=("dog", "car", "cat", "sky"),
        label_of_row=np.array([0, 1, 255, 255], np.uint8),
        grid_scores=np.array([[0.5], [0.0], [0.6], [0.1]], np.float32)[:, None],
    )
    assert watch(HIDDEN, wider) == [("dog", "cat", 1.0)]
    assert watch(frame([[0.5], [0.6], [0.1]], area=0.5), HIDDEN, wider) == [("dog", "cat", 1.0)]
