"""Lines of progress where no bar can be drawn: when, and what they say."""

from __future__ import annotations

from runtime.paced_lines import PacedLines


def test_a_line_every_ten_seconds_and_none_before() -> None:
    now, said = [100.0], []
    lines = PacedLines(said.append, "frames", 50, clock=lambda: now[0])
    for _ in range(25):  # a second each
        now[0] += 1.0
        lines.advance()
    assert said == ["frames 10 of 50", "frames 20 of 50"]


def test_a_late_item_gives_one_line_with_its_note() -> None:
    now, said = [0.0], []
    lines = PacedLines(said.append, "step", None, done=7, clock=lambda: now[0])
    lines.note = "loss 0.500"
    now[0] = 35.0
    lines.advance(2)
    lines.advance()
    assert said == ["step 9, loss 0.500"]
