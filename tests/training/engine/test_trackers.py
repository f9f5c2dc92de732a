"""Where figures go: lines of JSON, a bar, several at once, and the steps of all legs."""

from __future__ import annotations

import json
from functools import partial

import pytest

from runtime.errors import MgcaError
from runtime.paced_lines import PacedLines
from training.engine import trackers
from training.engine.trackers import InLeg, JsonLines, ProgressBar, ProgressLines, Tracker, Trackers

LOSSES = {"phase": "pretrain", "step": 3, "loss": 1.25, "images_s": 80.0}


class Remembering(Tracker):
    def __init__(self):
        self.told = []

    def begin(self, name, step, steps):
        self.told.append((name, step, steps))

    def advance(self):
        self.told.append("step")

    def write(self, values):
        self.told.append(values)

    def end(self):
        self.told.append("end")


def test_lines_are_added_to_what_is_there(tmp_path):
    for step in (1, 2):
        JsonLines(tmp_path / "metrics.jsonl").write({**LOSSES, "step": step})
    lines = [json.loads(x) for x in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == [{**LOSSES, "step": 1}, {**LOSSES, "step": 2}]


def test_half_a_line_is_taken_away(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps(LOSSES) + '\n{"phase": "pret')
    tracker = JsonLines(path)
    tracker.write(LOSSES)
    tracker.write(LOSSES)
    assert [json.loads(x) for x in path.read_text().splitlines()] == [LOSSES] * 3


def test_what_cannot_be_written_is_told_in_a_line(tmp_path):
    with pytest.raises(MgcaError, match=r"metrics.jsonl' cannot be written \(No such file"):
        JsonLines(tmp_path / "nowhere/metrics.jsonl").write(LOSSES)


def test_all_are_told_and_steps_are_counted_through_the_legs():
    seen = [Remembering(), Remembering()]
    tracker = InLeg(Trackers(seen), "second", steps_before=100)
    tracker.begin("pretrain", 0, 5)
    tracker.advance()
    tracker.write(LOSSES)
    tracker.end()
    written = {**LOSSES, "step": 103, "leg": "second"}
    for one in seen:
        assert one.told == [("pretrain", 0, 5), "step", written, "end"]


def test_a_bar_shows_the_loss_and_ends(capsys):
    bar = ProgressBar()
    bar.begin("pretrain", 2, 5)
    bar.advance()
    bar.write(LOSSES)
    bar.write({"phase": "pretrain", "step": 3, "evaluation": "x"})
    bar.end()
    error = capsys.readouterr().err
    assert "pretrain" in error and "3/5" in error and "loss 1.250, 80 images/s" in error


def test_lines_say_step_and_loss_without_a_terminal(monkeypatch, capsys) -> None:
    now = [0.0]
    monkeypatch.setattr(trackers, "PacedLines", partial(PacedLines, clock=lambda: now[0]))
    lines = ProgressLines()
    lines.begin("main", 3, 9)
    lines.write({"loss": 0.25, "images_s": 70.4})
    for _ in range(4):
        now[0] += 5.0
        lines.advance()
    lines.end()
    lines.advance()  # after the end nobody is told
    assert capsys.readouterr().err.splitlines() == [
        "main: step 5 of 9, loss 0.250, 70 images/s", "main: step 7 of 9, loss 0.250, 70 images/s",
    ]  # fmt: skip
