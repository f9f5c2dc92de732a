"""How a run says how far it is where stderr is no terminal."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runtime.cli import progress
from runtime.cli.config import SessionConfig
from runtime.cli.progress import Progress
from runtime.paced_lines import PacedLines


@pytest.mark.parametrize("quiet", [False, True])
def test_a_line_every_ten_seconds_unless_quiet(quiet: bool, monkeypatch, capsys) -> None:
    now = [0.0]
    monkeypatch.setattr(progress, "PacedLines", partial(PacedLines, clock=lambda: now[0]))
    config = SessionConfig()
    config = replace(config, running=replace(config.running, quiet=quiet))
    shown = Progress(config, cast(Any, SimpleNamespace(frame_count=300)))
    for _ in range(3):
        now[0] += 5.0
        shown.update(cast(Any, None))
    shown.close()
    assert capsys.readouterr().err == ("" if quiet else "mgca-rt: frames done: 2 of 300\n")
