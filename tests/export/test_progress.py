"""An export's loops without a terminal: every item, and a line when ten seconds have gone by."""

from __future__ import annotations

from functools import partial

import pytest

from export import progress
from export.progress import show_bar
from runtime.paced_lines import PacedLines


def test_lines_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress, "PacedLines", partial(PacedLines, clock=lambda: now[0]))
    seen = []
    for item in show_bar("abcd", "demo clip"):
        seen.append(item)
        now[0] += 6.0
    assert seen == list("abcd")
    assert capsys.readouterr().err.splitlines() == [
        "export: demo clip 2 of 4", "export: demo clip 4 of 4",
    ]  # fmt: skip
