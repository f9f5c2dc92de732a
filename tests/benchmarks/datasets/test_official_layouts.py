"""Each public set is read out of a miniature in its true layout, traps included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.datasets.coco import STUFF, THINGS
from benchmarks.datasets.evaluation_set import Selection
from benchmarks.datasets.registry import all_datasets
from benchmarks.scoring.score import Kind
from benchmarks.scoring.tally import score_set
from runtime.errors import UserError
from tests.support.official_layouts import (
    SIZE_HW,
    write_ade20k,
    write_cityscapes,
    write_coco,
    write_context,
    write_label,
    write_voc,
)


def _columns(name: str, root: Path, count: int = 8, **more) -> list[list[int]]:
    """The first classes of each picture's columns."""
    dataset = all_datasets()[name].open(Selection(root=root, **more))
    frames = list(dataset.open())
    assert len(frames) == dataset.count
    for frame in frames:
        assert frame.frame_bgr.shape == (*SIZE_HW, 3)
        assert frame.labels_hw.dtype == np.uint8
    return [frame.labels_hw[0, :count].tolist() for frame in frames]


@pytest.mark.parametrize("place", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_voc_counts_its_background_or_leaves_it_out(tmp_path: Path, place: str) -> None:
    root = write_voc(tmp_path, {"b": [0, 1, 20, 255], "a": [15]}) / place
    assert _columns("voc21", root, 4) == [[0, 1, 20, 255], [15] * 4]
    assert _columns("voc20", root, 4) == [[255, 0, 19, 255], [14] * 4]
    words = all_datasets()["voc21"].open(Selection(root=root)).words
    assert (len(words), words[0], words[15], words[20]) == (21, "background", "person", "tvmonitor")


def test_context_has_its_classes_by_name(tmp_path: Path) -> None:
    root = write_context(tmp_path, {"a": [0, 1, 2, 7, 59]})
    assert _columns("context60", root, 5) == [[0, 1, 2, 7, 59]]
    assert _columns("context59", root, 5) == [[255, 0, 1, 6, 58]]
    words = all_datasets()["context60"].open(Selection(root=root)).words
    # In VOC's own order 2 would be the bicycle and 7 the car.
    assert (words[1], words[2], words[7], words[59]) == ("aeroplane", "bag", "bird", "wood")
    assert list(words[1:]) == sorted(words[1:])


def test_coco_stuff_skips_the_numbers_that_no_category_has(tmp_path: Path) -> None:
    # person, stop sign (12 is its number less one), 11 is a gap; toothbrush, banner, wood.
    root = write_coco(tmp_path, {"a": [0, 12, 11, 89, 91, 181, 255]}, "stuffthingmaps")
    assert _columns("coco-stuff", root, 7) == [[0, 11, 255, 79, 80, 170, 255]]
    words = all_datasets()["coco-stuff"].open(Selection(root=root)).words
    assert len(words) == 171
    assert [words[k] for k in (0, 11, 79, 80, 170)] == [
        "person", "stop sign", "toothbrush", "banner", "wood"
    ]  # fmt: skip


def test_what_coco_leaves_unlabelled_is_background_to_coco_object(tmp_path: Path) -> None:
    root = write_coco(tmp_path, {"a": [0, 12, 11, 89, 91, 181, 255]})
    assert _columns("coco-object", root, 7) == [[1, 12, 0, 80, 0, 0, 0]]
    words = all_datasets()["coco-object"].open(Selection(root=root)).words
    assert (len(words), words[0], words[12]) == (81, "background", "stop sign")


def test_converted_files_of_coco_are_read_as_they_are(tmp_path: Path) -> None:
    root = write_coco(tmp_path, {"a": [0]})
    write_label(root / "annotations/val2017/a_labelTrainIds.png", [11, 170, 255])
    write_label(root / "annotations/val2017/a_instanceTrainIds.png", [0, 12, 80])
    assert _columns("coco-stuff", root, 3) == [[11, 170, 255]]
    assert _columns("coco-object", root, 3) == [[0, 12, 80]]


def test_coco_has_80_things_and_91_kinds_of_stuff() -> None:
    assert (len(THINGS), len(STUFF), len({*THINGS, *STUFF})) == (80, 91, 171)


def test_cityscapes_train_ids_come_of_label_ids_where_only_those_are_there(tmp_path: Path) -> None:
    root = write_cityscapes(tmp_path, {"ulm_0": [7, 8, 33, 26, 4, 0, 255]})
    expected = [0, 1, 18, 13, 255, 255, 255]
    assert _columns("cityscapes", root, 7) == [expected]
    write_cityscapes(tmp_path, {"ulm_0": expected, "bonn_1": [18]}, "labelTrainIds")
    assert _columns("cityscapes", root, 7) == [[18] * 7, expected]


def test_ade20k_ignores_zero(tmp_path: Path) -> None:
    root = write_ade20k(tmp_path, {"b": [0, 1, 150], "a": [3]})
    assert _columns("ade20k", root, 3) == [[2, 2, 2], [255, 0, 149]]
    words = all_datasets()["ade20k"].open(Selection(root=root)).words
    assert (len(words), words[0], words[149]) == (150, "wall", "flag")


def test_a_range_of_pictures(tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"b": [1], "a": [2], "c": [3]})
    assert _columns("voc21", root, 1, frames=(2, 3)) == [[2], [3]]
    with pytest.raises(UserError, match="lists 3 pictures; asked for 4"):
        _columns("voc21", root, frames=(2, 4))


WRITERS: dict[str, Callable[[Path, dict[str, list[int]]], Path]] = {
    "voc21": write_voc,
    "voc20": write_voc,
    "context60": write_context,
    "context59": write_context,
    "coco-object": write_coco,
    "coco-stuff": write_coco,
    "cityscapes": write_cityscapes,
    "ade20k": write_ade20k,
}


# Four values a row of sixteen columns; class 0 is predicted for the left half, class 1 for the
# right. Columns by truth and prediction, and the mean IoU, by hand.
BY_HAND: dict[str, tuple[list[int], dict[tuple[int, int], int], Fraction]] = {
    "voc21": (
        [0, 1, 15, 255],
        {(0, 0): 2, (0, 1): 2, (1, 0): 2, (1, 1): 2, (15, 0): 2, (15, 1): 2},
        (Fraction(2, 8) + Fraction(2, 8) + 0) / 3,
    ),
    "voc20": (
        [0, 1, 15, 255],
        {(0, 0): 2, (0, 1): 2, (14, 0): 2, (14, 1): 2},
        (Fraction(2, 6) + 0) / 2,
    ),
    "context60": (
        [0, 1, 2, 2],
        {(0, 0): 2, (0, 1): 2, (1, 0): 2, (1, 1): 2, (2, 0): 4, (2, 1): 4},
        (Fraction(2, 10) + Fraction(2, 10) + 0) / 3,
    ),
    "context59": (
        [0, 1, 2, 2],
        {(0, 0): 2, (0, 1): 2, (1, 0): 4, (1, 1): 4},
        (Fraction(2, 8) + Fraction(4, 10)) / 2,
    ),
    "coco-object": (
        [0, 255, 11, 91],
        {(0, 0): 6, (0, 1): 6, (1, 0): 2, (1, 1): 2},
        (Fraction(6, 14) + Fraction(2, 10)) / 2,
    ),
    "coco-stuff": (
        [0, 255, 11, 1],
        {(0, 0): 2, (0, 1): 2, (1, 0): 2, (1, 1): 2},
        (Fraction(2, 6) + Fraction(2, 6)) / 2,
    ),
    "cityscapes": (
        [7, 8, 0, 255],
        {(0, 0): 2, (0, 1): 2, (1, 0): 2, (1, 1): 2},
        (Fraction(2, 6) + Fraction(2, 6)) / 2,
    ),
    "ade20k": (
        [0, 1, 2, 2],
        {(0, 0): 2, (0, 1): 2, (1, 0): 4, (1, 1): 4},
        (Fraction(2, 8) + Fraction(4, 10)) / 2,
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_the_confusion_matrix_is_the_one_worked_by_hand(name: str, tmp_path: Path) -> None:
    values, columns, miou = BY_HAND[name]
    dataset = all_datasets()[name].open(Selection(root=WRITERS[name](tmp_path, {"a_1": values})))

    def halves(frame_bgr: np.ndarray, units: Sequence[Kind]) -> dict[Kind, np.ndarray]:
        labels_hw = np.zeros(frame_bgr.shape[:2], np.uint8)
        labels_hw[:, 8:] = 1
        return {kind: labels_hw for kind in units}

    score = score_set(halves, dataset, ["pixel"])["pixel"]
    expected = np.zeros_like(score.confusion)
    for place, count in columns.items():
        expected[place] = count * SIZE_HW[0]
    assert np.array_equal(score.confusion, expected)
    assert score.miou == pytest.approx(float(miou))


@pytest.mark.parametrize("name", WRITERS)
def test_a_wrong_root_or_a_missing_label_is_one_clear_line(name: str, tmp_path: Path) -> None:
    dataset = all_datasets()[name]
    with pytest.raises(UserError, match=r"no folder was given; expected .*--root"):
        dataset.open(Selection())
    with pytest.raises(UserError, match=r"is not the folder; expected .*--root"):
        dataset.open(Selection(root=tmp_path))
    WRITERS[name](tmp_path, {"x_1": [1], "y_2": [1]})
    gone = next(path for path in sorted(tmp_path.rglob("*.png")) if "x_1" in path.name
                and "leftImg8bit" not in path.name and "instance" not in path.name)  # fmt: skip
    gone.unlink()
    with pytest.raises(UserError, match=r"x_1.*\.png is not there, though the set lists it"):
        dataset.open(Selection(root=tmp_path))


def test_labels_of_more_classes_than_the_set_has_are_another_kind(tmp_path: Path) -> None:
    root = write_ade20k(tmp_path, {"a": [3, 173]})  # the full ADE20K has thousands
    with pytest.raises(UserError, match=r"a\.png has the value 173; expected 0 to 150 and 255"):
        _columns("ade20k", root)


def test_labels_of_another_size_or_in_colors_are_refused(tmp_path: Path) -> None:
    root = write_ade20k(tmp_path, {"a": [3]})
    path = root / "ADEChallengeData2016/annotations/validation/a.png"
    Image.new("L", (8, 8)).save(path)
    with pytest.raises(UserError, match="is 8x8, its photograph 16x12"):
        _columns("ade20k", root)
    Image.new("RGB", (16, 12)).save(path)
    with pytest.raises(UserError, match="has colors"):
        _columns("ade20k", root)
