"""What is compared with published rows, what stands out, and what is left alone."""

from __future__ import annotations

import pytest

from benchmarks.reproduce.comparison import compare, format_page
from benchmarks.reproduce.plan import Plan, find_roots, hold_to
from benchmarks.reproduce.published import ORDER, PUBLISHED
from runtime.errors import UserError
from tests.support.official_layouts import write_cityscapes, write_voc

SCORES = {
    ("naclip", "voc21"): {"miou": 0.5944, "frames": 1449},  # published 58.9
    ("naclip", "voc20"): {"miou": 0.7921, "frames": 1449},  # 79.7
    ("naclip", "cityscapes"): {"miou": 0.111, "frames": 3},  # a part of the set
    ("sfp", "voc21"): {"miou": 0.62, "frames": 1449},  # no figure at hand
}
METHODS, SETS = ("naclip", "sfp"), ("voc21", "voc20", "cityscapes")


def test_only_whole_sets_with_their_weights_are_compared() -> None:
    found = {(one.dense, one.dataset): one for one in compare(SCORES, METHODS, SETS, same=True)}
    assert found["naclip", "voc21"].difference == pytest.approx(0.54)
    assert found["naclip", "voc21"].stands_out
    assert found["naclip", "voc20"].difference == pytest.approx(-0.49)
    assert not found["naclip", "voc20"].stands_out
    assert found["naclip", "cityscapes"].difference is None
    assert found["sfp", "voc21"].difference is None
    assert found["sfp", "voc20"].miou is None
    assert not any(one.stands_out for one in compare(SCORES, METHODS, SETS, same=False))


def test_the_page_says_what_stands_out_and_what_is_missing() -> None:
    page = format_page(compare(SCORES, METHODS, SETS, same=True), {"ade20k": "not a folder"}, [])
    assert "| naclip | 59.44 (58.9) ! | 79.21 (79.7) | 11.10 (35.5) | - (39.4) |" in page
    assert "1 of 2 figures that can be compared stand out." in page
    assert PUBLISHED["naclip"].differs in page
    assert "- ade20k: not a folder" in page


def test_rows_are_complete_or_empty() -> None:
    for row in PUBLISHED.values():
        assert set(row.miou) in (set(), set(ORDER))
    assert sum(PUBLISHED["clearclip"].miou.values()) / 8 == pytest.approx(38.1)


def test_sets_are_found_below_one_folder_and_others_named(tmp_path) -> None:
    write_voc(tmp_path, {"a": [0, 1]})
    write_cityscapes(tmp_path / "cityscapes", {"ulm_0_0": [7]})
    roots, missing = find_roots(tmp_path, ("voc21", "voc20", "cityscapes", "ade20k"))
    assert set(roots) == {"voc21", "voc20", "cityscapes"}
    assert "ADEChallengeData2016" in missing["ade20k"]
    (tmp_path / "VOCdevkit/VOC2012/SegmentationClass/a.png").unlink()
    _, missing = find_roots(tmp_path, ("voc21", "cityscapes"))
    assert "a.png is not there, though the set lists it" in missing["voc21"]
    with pytest.raises(UserError, match="holds none of ade20k"):
        find_roots(tmp_path, ("ade20k",))
    with pytest.raises(UserError, match="no such folder"):
        find_roots(tmp_path / "nowhere", ("ade20k",))


def test_a_folder_keeps_to_one_plan(tmp_path) -> None:
    options = {"activation": None, "position_resize": "size", "precision": "fp32"}
    plan = Plan(clip="a", pretrained="random", protocol="sclip", **options)
    hold_to(plan, tmp_path)
    hold_to(plan, tmp_path)
    with pytest.raises(UserError, match=r"another run \(clip, protocol differ\)"):
        hold_to(Plan(clip="b", pretrained="random", protocol="tcl", **options), tmp_path)
