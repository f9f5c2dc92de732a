"""``benchmarks.training_kills``: moments that a seed determines, differences that are seen."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from benchmarks.training_kills.__main__ import count, format_record, main  # noqa: E402
from benchmarks.training_kills.history import Difference, History, compare  # noqa: E402
from benchmarks.training_kills.trainee import Note, read_notes  # noqa: E402
from benchmarks.training_kills.trial import Moment, Trial, draw_moment, time_parts  # noqa: E402

NOTES = [
    Note(10.0, "start", 0), Note(11.0, "pretrain", 0), Note(12.0, "pretrain", 1, ("a", "b")),
    Note(14.0, "mgca", 0), Note(15.0, "mgca", 1, ("c",)), Note(18.0, "end", 0),
]  # fmt: skip
LOSSES = {"phase": "pretrain", "step": 1, "loss": 0.5}


def history(**others: Any) -> History:
    given: dict[str, Any] = {
        "samples": {("pretrain", 1): [("a", "b")], ("mgca", 1): [("c",)]},
        "figures": {("pretrain", 1): [dict(LOSSES)]},
        "weights": {"w": torch.ones(2)},
    }
    return History(**{**given, **others})


def test_moments_are_determined_by_their_seed_and_lie_in_their_phase() -> None:
    def moments(seed: int, phase: str) -> list[Moment]:
        rng = random.Random(seed)
        return [draw_moment(time_parts(NOTES), phase, rng) for _ in range(50)]

    assert moments(3, "mgca") == moments(3, "mgca") != moments(4, "mgca")
    assert {one.phase for one in moments(0, "pretrain")} == {"start", "pretrain"}
    late = moments(0, "mgca")
    assert {(one.phase, one.step) for one in late} == {("mgca", 0), ("mgca", 1)}
    assert max(one.after_s for one in late if one.step) > 1.5
    assert all(one.after_s <= (3.0 if one.step else 1.0) for one in late)


def test_parts_are_timed_within_one_process() -> None:
    again = [*NOTES[:3], Note(20.0, "start", 0), Note(24.5, "pretrain", 0), NOTES[-1]]
    parts = time_parts(again)
    assert parts[("start", 0)] == 4.5 and ("pretrain", 1) not in parts
    assert time_parts(NOTES)[("pretrain", 1)] == 2.0


def test_a_training_that_was_taken_up_again_is_the_unbroken_one() -> None:
    again = history(
        samples={("pretrain", 1): [("a", "b")] * 2, ("mgca", 1): [("c",)]},
        figures={("pretrain", 1): [dict(LOSSES)] * 2},
    )
    assert compare(history(), again) == Difference(0, 0, 0, 0.0, 0.0)
    assert again.attempts == 3


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        (
            {"samples": {("pretrain", 1): [("a", "b"), ("b", "a")], ("mgca", 1): [("c",)]}},
            Difference(1, 0, 0, 0.0, 0.0),
        ),
        ({"samples": {("pretrain", 1): [("a", "b")]}}, Difference(0, 1, 0, 0.0, 0.0)),
        ({"figures": {}}, Difference(0, 1, 0, 0.0, 0.0)),
        (
            {"figures": {("pretrain", 1): [LOSSES, {**LOSSES, "loss": 0.75}]}},
            Difference(0, 0, 1, 0.25, 0.0),
        ),
        ({"weights": {"w": torch.tensor([1.0, 3.0])}}, Difference(0, 0, 0, 0.0, 2.0)),
    ],
)
def test_what_differs_is_seen_in_every_attempt(others: Any, expected: Difference) -> None:
    difference = compare(history(), history(**others))
    assert difference == expected and not difference.is_none


def test_a_training_that_did_not_go_on_is_a_fault_and_told() -> None:
    trial = Trial(killed_at=[("start", 0)], missed=1, faults=["did not go on (1): no room"])
    counted = count([(trial, Difference(0, 0, 0, 0.0, 0.0))])
    assert counted["kills"] == {"pretrain": 1, "mgca": 0}
    assert (counted["broken"], counted["missed"]) == (1, 1)
    assert "did not go on (1): no room" in format_record(counted)


def test_half_a_note_is_left_out(tmp_path: Path) -> None:
    assert read_notes(tmp_path) == []
    (tmp_path / "notes.jsonl").write_text('[1.5, "mgca", 2, ["a"]]\n[1.6, "mg')
    assert read_notes(tmp_path) == [Note(1.5, "mgca", 2, ("a",))]


@pytest.mark.slow
def test_a_training_outlives_a_kill_in_each_phase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kills.json"
    assert main(["--kills", "1", "--steps", "4", "--seed", "1", "--json", str(path)]) == 0
    record = json.loads(path.read_text())
    assert min(record["kills"].values()) >= 1 and record["steps_taken"] >= 8
    assert record["largest_weight_difference"] == 0 and not record["faults"]
    assert "steps that were left out" in capsys.readouterr().out
