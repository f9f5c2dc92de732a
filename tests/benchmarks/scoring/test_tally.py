"""An evaluation that breaks off goes on where it was, and ends as if it had never broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.scoring.score import Kind, LatePredictor, Score
from benchmarks.scoring.tally import score_set
from benchmarks.scoring.unfinished import Unfinished
from benchmarks.scoring.worst_frames import choose_worst, frame_of
from runtime.errors import UserError

KINDS: tuple[Kind, ...] = ("adaptive", "pixel")
COUNT = 7


def _frame(number: int) -> EvaluationFrame:
    rng = np.random.default_rng(number)
    frame_bgr = np.full((8, 10, 3), number, np.uint8)
    return EvaluationFrame(str(number), frame_bgr, rng.integers(0, 4, (8, 10), np.uint8))


def _set(read_one: bool = True) -> EvaluationSet:
    def open_frames() -> Iterator[EvaluationFrame]:
        yield from map(_frame, range(COUNT))

    read = _frame if read_one else None
    return EvaluationSet("made", ("a", "b", "c"), COUNT, open_frames, read=read)


class _Model:
    """Labels by the frame's number; breaks at one of them."""

    def __init__(self, breaks_at: int | None = None) -> None:
        self.breaks_at = breaks_at
        self.begun: list[int] = []

    def begin(self, frame_bgr: np.ndarray, units: Sequence[Kind]):
        number = int(frame_bgr[0, 0, 0])
        if number == self.breaks_at:
            raise KeyboardInterrupt
        self.begun.append(number)
        rng = np.random.default_rng(100 + number)
        return lambda: {kind: rng.integers(0, 4, (8, 10), np.uint8) for kind in units}


def _same(one: dict[Kind, Score], other: dict[Kind, Score]) -> bool:
    return all(
        np.array_equal(getattr(one[kind], name), getattr(other[kind], name))
        for kind in KINDS
        for name in ("confusion", "margins", "boundary_f")
    )


@pytest.mark.parametrize("read_one", [True, False])
@pytest.mark.parametrize("breaks_at", [0, 1, 4, 6])
def test_a_break_changes_nothing(tmp_path: Path, read_one: bool, breaks_at: int) -> None:
    whole = score_set(LatePredictor(_Model().begin), _set(), KINDS)
    kept = Unfinished(tmp_path / "kept", {"bundle": "x"}, resume=False)
    with pytest.raises(KeyboardInterrupt):
        model = _Model(breaks_at)
        score_set(LatePredictor(model.begin), _set(read_one), KINDS, unfinished=kept)
    assert kept.path.exists() == (breaks_at > 0)
    further = _Model()
    again = replace(kept, resume=True)
    found = score_set(LatePredictor(further.begin), _set(read_one), KINDS, unfinished=again)
    assert _same(found, whole)
    assert sorted({*model.begun, *further.begun}) == list(range(COUNT))
    assert len(further.begun) <= COUNT - breaks_at + 1  # what was begun at the break may be lost
    kept.remove()
    assert not kept.path.exists()


def test_counts_of_another_evaluation_are_not_taken_up(tmp_path: Path) -> None:
    kept = Unfinished(tmp_path / "kept", {"bundle": "x"}, resume=True)
    score_set(LatePredictor(_Model().begin), _set(), KINDS, unfinished=kept)
    with pytest.raises(UserError, match=r"kept is of another bundle, data set or setting"):
        replace(kept, evaluation={"bundle": "y"}).load()
    kept.path.write_bytes(b"PK\x03\x04 half")
    with pytest.raises(UserError, match="kept cannot be read"):
        kept.load()


def test_an_error_of_any_thread_is_told(tmp_path: Path) -> None:
    def begin(frame_bgr: np.ndarray, units: Sequence[Kind]):
        return lambda: {kind: np.zeros((3, 3), np.uint8) for kind in units}

    with pytest.raises(ValueError, match="truth is"):
        score_set(LatePredictor(begin), _set(), KINDS)

    def torn(number: int) -> EvaluationFrame:
        raise UserError(f"{number} is torn")

    broken = replace(_set(), open=lambda: map(torn, range(COUNT)))
    with pytest.raises(UserError, match="0 is torn"):
        score_set(LatePredictor(_Model().begin), broken, KINDS)


def test_the_worst_frames_are_those_of_the_lowest_miou() -> None:
    score = score_set(LatePredictor(_Model().begin), _set(), KINDS)["adaptive"]
    worst = choose_worst(score.frame_mious, each=3)
    assert len(worst) == 3
    assert max(score.frame_mious[worst]) <= min(np.delete(score.frame_mious, worst))
    assert frame_of(_set(), worst[0]).name == frame_of(_set(False), worst[0]).name == str(worst[0])
