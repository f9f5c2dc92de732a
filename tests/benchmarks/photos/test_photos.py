"""What photographs are asked, how answers are counted, and the whole command in small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.folder import Photograph, open_folder
from benchmarks.photos.__main__ import main
from benchmarks.photos.contact_sheet import choose_extremes
from benchmarks.photos.questions import BACKGROUND, FIGURES, ask, count_blind
from benchmarks.photos.scores import Tally
from runtime.bundle import Bundle
from tests.support.photo_folder import write_photo_folder
from tests.support.processes import LIMIT_S

REPOSITORY = Path(__file__).resolve().parents[3]
JUDGE = REPOSITORY.parent / "shared/tools/score_photos.py"
if not JUDGE.is_file():  # a worktree lies a folder deeper
    JUDGE = REPOSITORY.parents[1] / "shared/tools/score_photos.py"


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    return write_photo_folder(tmp_path / "photographs")


def _measure(bundle: Bundle, root: Path, target: Path, *flags: str) -> dict:
    shared = ["--bundle", str(bundle.path), "--root", str(root), "--backend", "onnxruntime-cpu"]
    assert main([*shared, "--json", str(target), *flags]) == 0
    return json.loads(target.read_text())


def test_the_three_figures_ask_for_other_words_and_pixels(photographs: Path) -> None:
    folder = open_folder(photographs)
    labels_hw = np.array([[0, 1], [5, 255]], np.uint8)
    photograph = Photograph(Path("a"), Path("b"), ("red", "blue"))
    hard, easy, every = ask(folder, photograph, labels_hw)
    assert [one.figure for one in (hard, easy, every)] == list(FIGURES)
    assert hard.truth_hw.tolist() == [[0, 1], [5, 255]]
    assert easy.truth_hw.tolist() == every.truth_hw.tolist() == [[255, 1], [5, 255]]
    assert (hard.words, len(hard.background)) == (("red", "blue"), 20)
    assert (every.words, every.background) == (("red", "green", "blue"), ())
    assert hard.value_of_label[[0, 1, 2, 255]].tolist() == [1, 5, 0, 0]


def test_a_background_word_in_sight_is_a_class(photographs: Path) -> None:
    folder = open_folder(photographs)
    folder.index_of["snow"] = 9
    hard = next(ask(folder, Photograph(Path(), Path(), ("snow",)), np.full((1, 1), 9, np.uint8)))
    assert set(BACKGROUND) - set(hard.background) == {"snow"}


def test_what_no_pixel_or_no_word_can_answer_is_not_asked(photographs: Path) -> None:
    folder = open_folder(photographs)
    asked = ask(folder, Photograph(Path(), Path(), ()), np.full((2, 2), 1, np.uint8))
    assert [one.figure for one in asked] == ["all"]
    asked = ask(folder, Photograph(Path(), Path(), ("red",)), np.zeros((2, 2), np.uint8))
    assert [one.figure for one in asked] == ["present+background"]


def test_a_blind_answer_spreads_the_truth_evenly_over_the_words(photographs: Path) -> None:
    folder = open_folder(photographs)
    photograph = Photograph(Path(), Path(), ("red", "blue"))
    hard, easy, _ = ask(folder, photograph, np.array([[1, 1, 1, 5, 0, 255]], np.uint8))
    counts = count_blind(easy, 6)
    assert counts.shape == (6, 7)
    assert (counts[1, 1], counts[1, 5], counts[5, 1]) == (1.5, 1.5, 0.5)
    assert counts.sum() == 4
    assert count_blind(hard, 6)[1, 0] == pytest.approx(3 * 20 / 22)


def test_only_photographs_with_a_boundary_have_a_boundary_figure(photographs: Path) -> None:
    folder = open_folder(photographs)
    tally = Tally(folder.value_names())
    for number, row in enumerate(([1, 1, 1, 1], [1, 1, 5, 5], [1, 255, 255, 5])):
        labels_hw = np.repeat(np.array([row], np.uint8), 4, axis=0)
        photograph = Photograph(Path(), Path(), ("red", "blue"))
        question = next(ask(folder, photograph, labels_hw))
        tally.add(number, question, {"pixel": np.where(labels_hw == 255, np.uint8(0), labels_hw)})
    assert tally.photographs == [0, 1, 2]
    assert tally.boundary_f["pixel"] == [1.0]
    assert tally.ious_of_photographs("pixel") == {0: 1.0, 1: 1.0, 2: 1.0}


def test_extremes_are_the_best_and_the_worst() -> None:
    ious = {number: number / 10 for number in range(10)}
    assert choose_extremes(ious, each=2) == [9, 8, 1, 0]
    assert choose_extremes(ious, each=5) == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_the_command_says_every_kind_side_by_side(
    bundle: Bundle, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--units", "adaptive,pixel,groups", "--slots", "4"]
    record = _measure(bundle, photographs, tmp_path / "photos.json", *flags)
    assert set(record["figures"]) == set(FIGURES)
    present = record["figures"]["present"]
    assert set(present["by_units"]) == {"adaptive", "pixel", "groups"}
    # The hand-made bundle has two units, red and blue: pixels know green too.
    assert present["by_units"]["pixel"]["miou"] > present["by_units"]["adaptive"]["miou"] > 0.3
    assert present["by_units"]["groups"]["iou"]["green"] > 0.3
    assert 0 < present["random_word"]["miou"] < present["by_units"]["pixel"]["miou"]
    assert record["miou"]["present"] == present["by_units"]["adaptive"]["miou"]
    low, high = present["boundary_f_ratio_ci95"]
    assert low <= present["boundary_f_ratio"] <= high
    printed = capsys.readouterr().out
    assert "present+background, %" in printed
    assert "random word" in printed


@pytest.mark.slow
@pytest.mark.skipif(not JUDGE.is_file(), reason=f"no {JUDGE.name} beside the project")
def test_the_figures_are_those_of_the_script_that_stands_beside_the_project(
    bundle: Bundle, photographs: Path, tmp_path: Path
) -> None:
    record = _measure(bundle, photographs, tmp_path / "photos.json", "--limit", "3")
    done = subprocess.run(
        [sys.executable, str(JUDGE), str(bundle.path), str(photographs), "3"],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "", "MGCA_CACHE": str(tmp_path / "cache")},
        check=True,
        timeout=LIMIT_S,
    )
    theirs = json.loads(done.stdout)
    assert {name: 100 * value for name, value in record["miou"].items()} == pytest.approx(
        theirs, abs=0.01
    )
    assert 0 < theirs["present+background"] < theirs["present"] < 100


def test_a_sheet_is_drawn_outside_any_repository(
    bundle: Bundle, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    _measure(bundle, photographs, tmp_path / "p.json", "--sheet", str(sheet), "--limit", "2")
    assert sheet.read_bytes()[:4] == b"\x89PNG"
    (tmp_path / ".git").mkdir()
    assert main(["--root", str(photographs), "--sheet", str(tmp_path / "again.png")]) == 2
    assert "lies in the repository" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--root", "/nowhere"], "no photographs with labels at /nowhere"),
        (["--units", "adaptive,superpixel"], "unknown 'superpixel'"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_two(
    flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
