"""A few classes asked for: figures of hand-made counts, and the command on the shipped bundle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.demo_clip import shipped_clip_set
from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.few_classes import count_few, few_figures, main
from benchmarks.record.names import choose_names
from runtime.errors import UserError

WORDS = ("sky", "road", "car")


class Painter:
    """Answers with the red channel of the frame, whatever is asked."""

    def labeller(self, classes, background):
        """As a bundle under test has it."""
        return lambda frame_bgr: frame_bgr[:, :, 2]


def one_frame(truth_hw: np.ndarray, answer_hw: np.ndarray) -> EvaluationSet:
    frame_bgr = np.stack([answer_hw] * 3, axis=2)

    def frames() -> Iterator[EvaluationFrame]:
        yield EvaluationFrame("only", frame_bgr, truth_hw)

    return EvaluationSet("made", WORDS, 1, frames)


def test_counts_put_what_is_left_alone_last_and_skip_unknown_truth() -> None:
    truth_hw = np.array([[0, 0, 1, 1], [2, 2, 2, 255]], np.uint8)
    answer_hw = np.array([[255, 255, 255, 0], [0, 0, 255, 0]], np.uint8)
    counts = count_few(Painter(), one_frame(truth_hw, answer_hw), ["car"], "auto")
    assert counts.tolist() == [[0, 2], [1, 1], [2, 1]]


def test_figures_of_hand_made_counts() -> None:
    counts = np.array([[0, 8], [1, 3], [2, 1]])
    figures = few_figures(counts, WORDS, ["car"], ["sky", "road"])
    assert figures["iou"]["car"] == 2 / 4
    assert figures["recall"]["car"] == pytest.approx(2 / 3)
    assert figures["precision"]["car"] == pytest.approx(2 / 3)
    assert figures["stays"] == {"sky": 1.0, "road": 0.75}
    assert figures["rest_stays"] == pytest.approx(11 / 12)
    assert few_figures(counts, WORDS, ["car"], ["road"])["rest_stays"] == 0.75


def test_where_every_word_is_asked_for_nothing_is_left_to_stay() -> None:
    figures = few_figures(np.diag([1, 2, 3, 4])[:3], WORDS, WORDS, ())
    assert figures["iou"] == {"sky": 1.0, "road": 1.0, "car": 1.0}
    assert figures["stays"] == {}
    assert np.isnan(figures["rest_stays"])


@pytest.mark.parametrize("text", ["sky,dog", " , "])
def test_a_word_without_truth_is_refused_by_name(text: str) -> None:
    with pytest.raises(UserError, match=r"--classes .*: unknown '(dog)?'; .* sky, road, car$"):
        choose_names(text, WORDS, "--classes")


def test_a_class_cannot_be_rest_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--classes", "car", "--rest", "car,sky"]) == 2
    assert "--rest car,sky names a class" in capsys.readouterr().err


def test_the_shipped_clip_is_the_decoded_one_beside_its_exact_masks() -> None:
    shipped = next(iter(shipped_clip_set().open()))
    assert shipped.frame_bgr.shape[:2] == shipped.labels_hw.shape
    assert len(np.unique(shipped.labels_hw)) > 3


def test_the_command_on_the_shipped_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "few.json"
    flags = ["--scenes", "4", "--size", "128x96", "--classes", "road,sky", "--rest", "tree,grass"]
    flags += ["--backend", "onnxruntime-cpu"]
    assert main([*flags, "--json", str(target)]) == 0
    record = json.loads(target.read_text())
    assert set(record["iou"]) == {"road", "sky"}
    assert record["background"] == "auto"
    assert record["iou"]["sky"] > 0.3
    assert record["rest_stays"] > 0.5
    assert "sky" not in record["stays"]
    assert "of tree, grass" in capsys.readouterr().out
