"""Data sets are found by name, and the versions of generated scenes are kept apart."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest

import benchmarks.datasets
from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet, Selection
from benchmarks.datasets.flags import add_dataset_flags, frame_range, open_dataset
from benchmarks.datasets.registry import all_datasets
from benchmarks.datasets.streetworld import generate_scenes

SMALL = Selection(seed=0, scenes=40, size_wh=(32, 24))

NEW = """
from benchmarks.datasets.evaluation_set import Dataset, EvaluationSet

def open_set(selection):
    return EvaluationSet("mine", ("sky",), 0, lambda: iter(()), {"seed": selection.seed})

DATASETS = (Dataset(name="NAME", summary="my own", open=open_set, seed=5),)
"""


@pytest.fixture
def fresh_registry():
    all_datasets.cache_clear()
    yield
    all_datasets.cache_clear()


def test_every_set_is_there_and_the_default_comes_first():
    assert list(all_datasets()) == [
        "streetworld",
        "ade20k",
        "camvid",
        "cityscapes",
        "coco-object",
        "coco-stuff",
        "context59",
        "context60",
        "demo-clip",
        "folder",
        "shipped-clip",
        "still-clip",
        "still-clip-walked",
        "streetworld-v1",
        "streetworld-v2",
        "voc20",
        "voc21",
    ]


def _add_module(name: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(
        benchmarks.datasets, "__path__", [*benchmarks.datasets.__path__, str(folder)]
    )
    monkeypatch.delitem(sys.modules, f"benchmarks.datasets.{name}", raising=False)


def test_a_new_set_is_one_file(fresh_registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _add_module("mine", NEW.replace("NAME", "mine"), tmp_path, monkeypatch)
    parser = argparse.ArgumentParser()
    add_dataset_flags(parser.add_argument)
    arguments = parser.parse_args(["--dataset", "mine"])
    assert open_dataset(arguments).settings == {"seed": 5}
    assert arguments.seed == 5
    assert "mine: my own" in " ".join(parser.format_help().split())


def test_two_sets_cannot_share_a_name(
    fresh_registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _add_module("other", NEW.replace("NAME", "camvid"), tmp_path, monkeypatch)
    with pytest.raises(ValueError, match="two data sets are called camvid"):
        all_datasets()


def test_the_newest_version_stands_behind_the_plain_name():
    sets = {name: one.open(SMALL) for name, one in all_datasets().items() if "street" in name}
    assert {name: (one.name, one.version) for name, one in sets.items()} == {
        "streetworld": ("streetworld", "streetworld-v2"),
        "streetworld-v1": ("streetworld", "streetworld-v1"),
        "streetworld-v2": ("streetworld", "streetworld-v2"),
    }
    plain, old, new = (
        [frame.frame_bgr for frame in sets[name].open()]
        for name in ("streetworld", "streetworld-v1", "streetworld-v2")
    )
    assert all((a == b).all() for a, b in zip(plain, new, strict=True))
    differ = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if (a != b).any()]
    assert 0 < len(differ) < SMALL.scenes / 2  # those with a sun alone
    truths = [[frame.labels_hw for frame in one.open()] for one in sets.values()]
    assert all((a == b).all() for a, b in zip(truths[0], truths[1], strict=True))


def test_compositions_are_of_the_same_version():
    old = all_datasets()["streetworld-v1"].open(Selection(scenes=80, size_wh=(32, 24)))
    assert old.compositions is not None
    found = [scene.image_hw3 for scene in old.compositions()]
    same, other = (
        generate_scenes(0, 20, (32, 24), namespace="compositions", version=version)
        for version in ("v1", "v2")
    )
    assert len(found) == 20
    assert all((a == b.image_hw3).all() for a, b in zip(found, same, strict=True))
    assert any((a != b.image_hw3).any() for a, b in zip(found, other, strict=True))


def test_truth_is_what_has_a_class_and_is_not_ignored():
    labels_hw = np.array([[0, 1, 2, 3, 255]], np.uint8)
    frame = EvaluationFrame("a", np.zeros((1, 5, 3), np.uint8), labels_hw)
    one = EvaluationSet("made", ("sky", "road", "car"), 1, lambda: iter([frame]), ignore_label=1)
    assert one.truth_of(frame).tolist() == [[0, 255, 2, 255, 255]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1-50", (1, 50)), ("7-7", (7, 7)), ("0-3", None), ("5-2", None), ("3", None), ("a-b", None)],
)
def test_a_range_of_frames(text: str, expected: tuple[int, int] | None):
    if expected is None:
        with pytest.raises(argparse.ArgumentTypeError, match="range of frames"):
            frame_range(text)
    else:
        assert frame_range(text) == expected
