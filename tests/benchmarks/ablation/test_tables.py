"""What the ablation counts, on arrays small enough to count by hand. Nothing here needs torch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.ablation.folder import key_of, read_record
from benchmarks.ablation.markdown import describe_common_terms, tabulate, tabulate_tuning
from benchmarks.ablation.pairing import Spread, exceeds_spread, pair
from benchmarks.ablation.rows import GRAINS, NAMES, ROWS, choose_rows, describe_terms, full_row
from benchmarks.ablation.summary import KINDS, compare_kinds, compare_rows, label_map_control
from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.scoring.groups import group_pixels, mean_embeddings
from benchmarks.scoring.segments import (
    compare_with_complexity,
    connected_segments,
    over_segmentation,
    scene_complexity,
    under_segmentation,
)

HALVES = np.array([[0, 0, 1, 1]], np.uint8)
WEIGHTS = {field: 1.0 for fields in GRAINS.values() for field in fields}


# --- fixed groups ---------------------------------------------------------------------------


def test_groups_are_what_lies_together():
    features = np.array([[0.0], [0.1], [10.0], [10.1], [20.0]], np.float32)
    slots = group_pixels(features, 3)
    assert slots[0] == slots[1]
    assert slots[2] == slots[3]
    assert len(set(slots[[0, 2, 4]].tolist())) == 3


def test_fewer_slots_than_things_put_two_things_into_one_group():
    features = np.array([[0.0], [0.1], [1.0], [1.1], [20.0]], np.float32)
    slots = group_pixels(features, 2)
    assert len(set(slots[:4].tolist())) == 1
    assert slots[4] != slots[0]


def test_the_number_of_groups_is_fixed_whatever_the_image_shows():
    plain = np.linspace(0.0, 0.001, 64, dtype=np.float32)[:, None]
    assert len(np.unique(group_pixels(plain, 8))) == 8


def test_more_slots_than_pixels_leave_slots_empty():
    features = np.array([[0.0], [1.0]], np.float32)
    assert sorted(group_pixels(features, 5).tolist()) == [0, 1]


def test_a_groups_embedding_is_the_unit_mean_of_its_pixels():
    embeddings = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], np.float32)
    means = mean_embeddings(embeddings, np.array([0, 0, 1]), 3)
    assert means == pytest.approx(
        np.array([[math.sqrt(0.5), math.sqrt(0.5)], [0.0, 1.0], [0.0, 0.0]])
    )


# --- under- and over-segmentation -----------------------------------------------------------


def test_one_unit_over_two_halves_is_all_under_and_not_over_segmented():
    one = np.zeros_like(HALVES)
    assert under_segmentation(HALVES, one) == 1.0
    assert over_segmentation(HALVES, one) == 0.0


def test_a_unit_a_pixel_is_all_over_and_not_under_segmented():
    pixels = np.array([[0, 1, 2, 3]])
    assert under_segmentation(HALVES, pixels) == 0.0
    assert over_segmentation(HALVES, pixels) == 1.0


def test_the_smaller_side_of_an_overlap_counts():
    truth = np.array([[0, 0, 0, 1]], np.uint8)
    # the unit overlaps segment 0 in 3 pixels (1 outside) and segment 1 in 1 (3 outside): 1 + 1 of 4
    assert under_segmentation(truth, np.zeros_like(truth)) == 0.5


def test_names_of_units_do_not_matter_and_unknown_truth_is_left_out():
    truth = np.array([[0, 0, 255, 1]], np.uint8)
    units = np.array([[900, 900, 900, 7]])
    assert under_segmentation(truth, units) == 0.0
    assert over_segmentation(truth, units) == 0.0
    assert math.isnan(under_segmentation(np.full((2, 2), 255, np.uint8), np.zeros((2, 2), int)))


def test_pieces_of_one_label_that_do_not_touch_are_segments_of_their_own():
    pieces = connected_segments(np.array([[0, 1, 0], [0, 1, 255]], np.uint8))
    assert pieces[0, 0] == pieces[1, 0]
    assert len({pieces[0, 0], pieces[0, 1], pieces[0, 2]}) == 3
    assert pieces[1, 2] == 255


def test_no_piece_is_taken_for_unknown():
    checkers = (np.indices((20, 20)).sum(axis=0) % 2).astype(np.uint8)
    pieces = connected_segments(checkers)
    assert len(np.unique(pieces)) == 400
    assert 255 not in pieces


def test_a_speck_does_not_make_a_scene_busy():
    truth = np.zeros((100, 100), np.uint8)
    truth[50, 50] = 1
    assert scene_complexity(truth) == 1
    truth[10:20, 10:20] = 1
    assert scene_complexity(truth) == 2


def test_active_units_of_the_plainest_and_the_busiest_scenes():
    complexity = np.array([9, 1, 5, 5, 5, 5, 5, 5, 5, 5])
    active = np.array([12.0, 3, 6, 6, 6, 6, 6, 6, 6, 6])
    found = compare_with_complexity(active, complexity)
    assert (found["plainest_tenth"], found["busiest_tenth"], found["ratio"]) == (3, 12, 4)
    assert (found["fewest"], found["most"]) == (3, 12)
    assert found["correlation"] > 0.9


# --- paired statistics ----------------------------------------------------------------------


def test_differences_are_taken_seed_by_seed():
    found = pair([10.0, 25.0, 40.0], [9.0, 23.0, 37.0])
    assert found.values == (1.0, 2.0, 3.0)
    # far less than the spread of either row: that is what pairing is for
    assert (found.mean, found.std) == (2.0, 1.0)
    assert exceeds_spread(found)


def test_a_row_without_seeds_stands_for_all_of_them():
    assert pair([3.0, 5.0], [1.0]).values == (2.0, 4.0)
    with pytest.raises(ValueError, match="2 values cannot be paired with 3"):
        pair([1.0, 2.0], [1.0, 2.0, 3.0])


def test_one_seed_proves_nothing():
    single = pair([3.0], [1.0])
    assert single.mean == 2.0
    assert math.isnan(single.std)
    assert not exceeds_spread(single)
    assert not exceeds_spread(Spread.of([1.0, -1.0, 2.0]))


# --- rows -----------------------------------------------------------------------------------


def test_each_cumulative_row_adds_one_grain():
    by_name = {row.name: row for row in ROWS}
    steps = [("object", "region"), ("region", "pixel"), ("pixel", "nouns")]
    for before, after in steps:
        assert by_name[after].before == before
        added = set(by_name[before].switched_off()) - set(by_name[after].switched_off())
        assert added == set(GRAINS[after])
        assert (
            describe_terms(by_name[after], WEIGHTS).keys()
            > describe_terms(by_name[before], WEIGHTS).keys()
        )


def test_a_row_whose_grain_has_no_weight_is_left_out():
    kept = choose_rows(NAMES, {**WEIGHTS, "noun_weight": 0.0})
    assert {row.name for row in ROWS} - {row.name for row in kept} == {"nouns", "nouns-alone"}
    full = full_row(kept)
    assert full is not None
    assert full.name == "pixel"


def _record(**miou: float) -> dict:
    units = {kind: {"miou": value, "boundary_f": value} for kind, value in miou.items()}
    return {"units": units}


def test_rows_are_compared_in_pairs_and_the_whole_method_with_its_rivals():
    rows = choose_rows(("baseline", "object", "region", "grounded"), WEIGHTS)
    flat = {"groups": 0.0, "adaptive": 0.0}
    records = {
        "baseline": [_record(pixel=0.1, **flat)],
        "object": [_record(pixel=0.2, **flat), _record(pixel=0.3, **flat)],
        "region": [_record(pixel=0.25, **flat), _record(pixel=0.35, **flat)],
        "grounded": [_record(pixel=0.2, **flat), _record(pixel=0.2, **flat)],
    }
    found = {(entry["row"], entry["before"]): entry for entry in compare_rows(rows, records)}
    assert set(found) == {
        ("object", "baseline"), ("region", "object"), ("grounded", "baseline"),
        ("region", "baseline"), ("region", "grounded"),
    }  # fmt: skip
    step = found["region", "object"]["pixel"]["miou"]
    assert step["mean"] == pytest.approx(0.05)
    assert step["std"] == pytest.approx(0.0, abs=1e-9)
    assert found["region", "grounded"]["pixel"]["miou"]["values"] == pytest.approx((0.05, 0.15))


def test_units_are_compared_within_a_row():
    records = [_record(pixel=0.1, groups=0.3, adaptive=0.2)] * 2
    found = compare_kinds(records)
    assert found["pixel"]["miou"]["mean"] == pytest.approx(0.1)
    assert found["groups"]["miou"]["mean"] == pytest.approx(-0.1)


# --- controls, files, tables ----------------------------------------------------------------


def _set_of(*truths: np.ndarray) -> EvaluationSet:
    def open_frames() -> Iterator[EvaluationFrame]:
        for index, labels_hw in enumerate(truths):
            frame = np.full((*labels_hw.shape, 3), index, np.uint8)
            yield EvaluationFrame(str(index), frame, labels_hw)

    return EvaluationSet("made", ("left", "right"), len(truths), open_frames)


def test_the_label_map_control_says_what_usually_stands_there():
    other = np.array([[1, 1, 1, 1]], np.uint8)
    tuning = _set_of(HALVES, HALVES, other)
    assert label_map_control(tuning, _set_of(HALVES)) == 1.0
    # HALVES for a frame that is all "right": IoU 2 of 4
    assert label_map_control(tuning, _set_of(other)) == 0.5


def test_a_key_stands_for_every_setting(tmp_path):
    assert key_of({"steps": 1, "rows": ("a",)}) == key_of({"rows": ["a"], "steps": 1})
    assert key_of({"steps": 1}) != key_of({"steps": 2})
    half = tmp_path / "half.json"
    half.write_text('{"row": ')
    assert read_record(half) is None


def test_a_table_is_markdown():
    assert tabulate(["row", "mIoU"], [["a", "1.0"]]) == "| row | mIoU |\n| :-- | --: |\n| a | 1.0 |"


def test_settings_to_choose_from_are_averaged_over_the_seeds():
    def tried(first: float, second: float) -> list[dict[str, object]]:
        return [
            {"setting": {"slots": 8}, "miou": first},
            {"setting": {"slots": 16}, "miou": second},
        ]

    seeds = [dict.fromkeys(KINDS, tried(0.1, 0.3)), dict.fromkeys(KINDS, tried(0.2, 0.3))]
    lines = tabulate_tuning(seeds, "+ nouns").splitlines()
    assert len(lines) == 2 + 2 * len(KINDS)
    assert "| fixed groups: slots 8 | 15.0 |" in lines
    assert "| adaptive units: slots 16 | 30.0 |" in lines


def test_what_an_old_checkpoint_does_not_say_is_not_made_up():
    settings = {
        "clip": {"clip": "mgca-tiny", "steps": 1500, "batch": 64, "pooling": "match"},
        "losses": {"tilings": [[1, 1], [2, 2]], "logit_scale": 20.0},
    }
    line = describe_common_terms(settings)
    assert "noun_weight not recorded" in line
    assert "tilings [[1, 1], [2, 2]]" in line
    settings["clip"]["noun_weight"] = 1.0  # type: ignore[index]
    assert "noun_weight 1.0" in describe_common_terms(settings)
