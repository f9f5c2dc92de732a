"""Windows, decisions and words of the published protocols, each against a plain computation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.datasets.evaluation_set import EvaluationSet, Selection
from benchmarks.datasets.registry import all_datasets
from benchmarks.protocols.decision import decide
from benchmarks.protocols.predictor import embed_words, label_picture, protocol_predictor
from benchmarks.protocols.protocol import Protocol, Refinement
from benchmarks.protocols.registry import DATASETS, protocol_of
from benchmarks.protocols.templates import IMAGENET, TCL
from benchmarks.protocols.windows import resized, slide, starts
from runtime import Segmenter
from runtime.bundle import Bundle
from runtime.errors import UserError
from tests.support import plain_pamr
from tests.support.official_layouts import write_voc

PLAIN = Protocol(
    name="plain",
    words=(("a", "b"), ("c",), ("d",)),
    templates=("a {}.",),
    mean_first=False,
    short_side=6,
    crop=4,
    stride=2,
    scale=5.0,
)
CLASSES = {
    "voc21": 21, "voc20": 20, "context60": 60, "context59": 59, "coco-object": 81,
    "coco-stuff": 171, "cityscapes": 19, "ade20k": 150,
}  # fmt: skip


def _names(dataset: str) -> tuple[str, ...]:
    from benchmarks.datasets import ade20k, cityscapes, coco, pascal_context, voc

    return {
        "voc21": ("background", *voc.THINGS),
        "voc20": voc.THINGS,
        "context60": ("background", *pascal_context.CLASSES),
        "context59": pascal_context.CLASSES,
        "coco-object": ("background", *coco.THINGS),
        "coco-stuff": (*coco.THINGS, *coco.STUFF),
        "cityscapes": cityscapes.CLASSES,
        "ade20k": ade20k.CLASSES,
    }[dataset]


def _protocol(name: str, dataset: str) -> Protocol:
    words = _names(dataset)
    return protocol_of(name, EvaluationSet(dataset, words, 0, lambda: iter(())))


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_class_has_its_words(dataset: str) -> None:
    for name in ("tcl", "sclip"):
        protocol = _protocol(name, dataset)
        assert len(protocol.words) == CLASSES[dataset]
        assert all(protocol.words[1:])
        assert len({label for _, label in protocol.rows}) == len(protocol.words) - (
            protocol.constant_background is not None
        )


def test_the_constants_of_the_two_families() -> None:
    ours = _protocol("tcl", "coco-object")
    assert (ours.words[0], ours.constant_background, ours.crop) == ((), 0.5, 448)
    assert _protocol("tcl", "voc20").words[10] == ("diningtable",)
    theirs = _protocol("sclip", "voc21")
    assert (theirs.scale, theirs.threshold, theirs.least_area) == (65, 0.1, 0.1)
    assert (theirs.short_side, theirs.crop, theirs.stride) == (336, 224, 112)
    assert len(theirs.words[0]) == 26
    assert theirs.words[4] == ("ship",)
    assert (len(theirs.words[15]), len(_protocol("sclip", "coco-object").words[1])) == (7, 8)
    assert _protocol("sclip", "cityscapes").short_side == 560
    assert _protocol("sclip", "cityscapes").words[6] == ("trafficlight",)
    assert (len(set(IMAGENET)), len(set(TCL))) == (80, 9)
    assert all(template.count("{}") == 1 for template in (*IMAGENET, *TCL))


def test_a_word_of_the_background_may_be_a_class_as_well() -> None:
    rows = _protocol("sclip", "coco-object").rows
    assert [label for word, label in rows if word == "bed"] == [0, 60]


def test_the_aspect_is_kept_up_to_the_long_side() -> None:
    protocol = replace(PLAIN, short_side=336)
    assert resized(np.zeros((375, 500, 3), np.uint8), protocol).shape == (336, 448, 3)
    assert resized(np.zeros((100, 1000, 3), np.uint8), protocol).shape == (205, 2048, 3)


def test_windows_cover_every_pixel_and_none_goes_beyond() -> None:
    for side in (3, 4, 5, 6, 11):
        first = starts(side, 4, 2)
        covered = {pixel for start in first for pixel in range(start, min(start + 4, side))}
        assert covered == set(range(side))
        assert first[-1] == max(side - 4, 0)
        assert len(first) == len(set(first))


def test_scores_are_the_mean_over_the_windows_that_see_a_pixel() -> None:
    picture = np.zeros((4, 6, 3), np.uint8)
    calls = iter((1.0, 3.0))

    def score(window_bgr: np.ndarray) -> dict[str, np.ndarray]:
        return {"pixel": np.full((1, 2, 2), next(calls), np.float32)}

    found = slide(picture, PLAIN, score)["pixel"]
    assert found[0][0].tolist() == [1, 1, 2, 2, 3, 3]
    assert len(list(found)) == len(found) == 1


def _plain_decision(cosines_khw: np.ndarray, protocol: Protocol, size_wh) -> np.ndarray:
    """All rows at once, in float64, as the published lines read."""
    rows = np.stack([cv2.resize(row, size_wh) for row in cosines_khw]).astype(np.float64)
    labels = np.array([label for _, label in protocol.rows])
    logits = protocol.scale * rows
    chances = np.exp(logits - logits.max(axis=0))
    chances /= chances.sum(axis=0)
    by_class = np.stack([chances[labels == k].max(axis=0) for k in range(len(protocol.words))])
    if protocol.least_area is not None:
        areas = np.bincount(by_class.argmax(axis=0).ravel(), minlength=len(by_class))[1:]
        by_class[1:][areas <= protocol.least_area * areas.sum()] = 0
    found = by_class.argmax(axis=0)
    if protocol.threshold is not None:
        found[by_class.max(axis=0) < protocol.threshold] = 0
    return found


@pytest.mark.parametrize("threshold", [None, 0.5])
@pytest.mark.parametrize("least_area", [None, 0.45])
def test_decisions_by_softmax(threshold: float | None, least_area: float | None) -> None:
    protocol = replace(PLAIN, threshold=threshold, least_area=least_area)
    cosines = np.random.default_rng(1).random((4, 5, 6)).astype(np.float32)
    found = decide(cosines, protocol, (13, 9))
    expected = _plain_decision(cosines, protocol, (13, 9))
    assert (found == expected).mean() > 0.99  # float32 on a tie's edge
    assert set(np.unique(found)) > ({0} if least_area or threshold else {0, 1})
    plain = decide(cosines, PLAIN, (13, 9))
    assert (threshold is None and least_area is None) == bool((found == plain).all())


def test_a_background_that_is_a_constant() -> None:
    protocol = replace(PLAIN, words=((), ("a",), ("b",)), scale=1.0, constant_background=0.5)
    # sigmoid((cosine - 0.25) * 10) is 0.5 at a cosine of 0.25.
    cosines = np.array([[[0.24, 0.26, 0.1]], [[0.1, 0.25, 0.9]]], np.float32)
    assert decide(cosines, protocol, (3, 1)).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("whole", [True, False])
def test_scores_are_refined_whole_or_by_windows(whole: bool) -> None:
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 255, (6, 10, 3), np.uint8)
    how = Refinement(dilations=(1, 2), whole=whole)
    protocol = replace(PLAIN, refinement=how)
    scores = slide(picture, protocol, lambda _: {"pixel": rng.random((4, 2, 2), np.float32)})
    found = label_picture("pamr", scores, picture, protocol, (10, 6))
    refined = []
    for row in range(4):
        if whole:
            colors = np.moveaxis(picture, 2, 0)
            refined.append(plain_pamr.refine(scores["pixel"][row][None], colors, (1, 2))[0])
            continue
        maps, counts = np.zeros((6, 10)), np.zeros((6, 10))
        for place, grid in zip(scores["pixel"].places, scores["pixel"].grids, strict=True):
            colors = np.moveaxis(picture[place].reshape(2, 2, 2, 2, 3).mean(axis=(1, 3)), 2, 0)
            (near,) = plain_pamr.refine(grid[row][None], colors, (1, 2))
            maps[place] += cv2.resize(near, (4, 4))
            counts[place] += 1
        refined.append(maps / counts)
    expected = _plain_decision(np.stack(refined), protocol, (10, 6))
    assert (found == expected).mean() > 0.98  # a tie's edge
    assert (found != decide(scores["pixel"], protocol, (10, 6))).any()


def test_a_constant_is_lower_where_scores_are_refined() -> None:
    assert _protocol("tcl", "voc21").refined.constant_background == 0.4
    assert _protocol("tcl", "voc20").refined.constant_background is None
    assert _protocol("sclip", "voc21").refined.threshold == 0.1


def test_prompts_are_averaged_after_or_before_they_are_normalised(bundle: Bundle) -> None:
    protocol = replace(PLAIN, words=(("car",),), templates=("a {}.", "the long list of {}s"))
    with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
        from runtime.text.encoder import TextEncoder

        encoder = TextEncoder(bundle)
        first, second = encoder.encode(["a car.", "the long list of cars"]).astype(np.float64)
        encoder.close()
        after = first / np.linalg.norm(first) + second / np.linalg.norm(second)
        (found,) = embed_words(segmenter, protocol)
        assert found == pytest.approx(after / np.linalg.norm(after), abs=1e-6)
        (found,) = embed_words(segmenter, replace(protocol, mean_first=True))
        before = first + second
        assert found == pytest.approx(before / np.linalg.norm(before), abs=1e-6)
        assert np.abs(after / np.linalg.norm(after) - found).max() > 1e-4


def test_the_graph_is_asked_for_windows_of_its_own_size(bundle: Bundle) -> None:
    with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
        with pytest.raises(UserError, match=r"windows of 4x4 here.*takes 8x6; export it"):
            protocol_predictor(segmenter, PLAIN)


def test_the_command_runs_a_protocol_from_picture_to_record(
    make_bundle, graphs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """The hand-made graph takes 8 x 6 pixels, so the windows are made square by hand."""
    root = write_voc(tmp_path, {"b": [0, 1, 20, 255], "a": [15]})
    bundle = make_bundle()
    target = tmp_path / "record.json"
    flags = ["--dataset", "voc21", "--root", str(root), "--protocol", "sclip", "--refine", "pamr"]
    flags += [
        "--confusion",
        str(tmp_path / "confusion.png"),
        "--sheet",
        str(tmp_path / "sheet.png"),
    ]
    shared = ["--bundle", str(bundle.path), "--backend", "onnxruntime-cpu", "--json", str(target)]
    assert accuracy.main([*flags, *shared]) == 2
    assert "cuts windows of 224x224 here" in capsys.readouterr().err
    monkeypatch.setattr("benchmarks.protocols.predictor._check", lambda *_: None)
    assert accuracy.main([*flags, *shared]) == 0
    record = json.loads(target.read_text())
    assert record["protocol"]["name"] == "sclip"
    words = [word for words in record["protocol"]["words"] for word in words]
    assert len(words) == 26 + 19 + 7 - 1 + 5  # behind, things, person, screens
    assert record["protocol"]["templates"] == list(IMAGENET)
    assert record["protocol"]["position_resize"] == "scale-factor"
    assert record["protocol"]["position_resize_of_bundle"] is None
    assert record["protocol"]["refinement"] == {
        "dilations": [8, 16], "whole": True, "constant_background": None
    }  # fmt: skip
    assert set(record["by_units"]) == {"adaptive", "pixel", "pamr"}
    assert set(record["iou"]) == {"background", "aeroplane", "person", "tvmonitor"}
    said = capsys.readouterr()
    assert "protocol sclip" in said.out
    assert "by 'scale-factor', and the bundle's manifest says None" in said.err
    for flag in ("confusion", "sheet"):
        assert (tmp_path / f"{flag}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--protocol", "sclip", "--scenes", "1"], "says nothing of streetworld"),
        (["--protocol", "tcl", "--control", "mean-map"], "exclude each other"),
        (["--protocol", "pamr"], "'pamr'"),
        (["--pamr-dilations", "1,2"], "--pamr-dilations would do nothing"),
        (["--refine", "pamr", "--pamr-dilations", "0,2"], "a whole number >= 1"),
        (["--resume"], "--resume needs the --json"),
        (["--sheet", "sheet.png"], "lies in the repository"),
        (["--confusion", "/proc/new/file.png"], "--confusion /proc"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_two(
    flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accuracy.main(flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_sets_are_those_that_can_be_read() -> None:
    assert set(DATASETS) <= set(all_datasets())
    assert Selection().root is None
