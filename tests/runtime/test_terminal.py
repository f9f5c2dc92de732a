"""Lines beside a progress bar: what a terminal shows of both (tqdm 4.67)."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest
from tqdm import tqdm

from export.progress import say
from runtime.standard_output import write_stdout
from runtime.terminal import LineHandler


class Terminal(io.StringIO):
    """A stream that says it is a terminal and can tell the lines that stand on its screen."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        shown = []
        for line in self.getvalue().split("\n"):
            cells: list[str] = []
            at = 0
            for letter in line:
                if letter == "\r":
                    at = 0
                    continue
                cells[at : at + 1] = [letter]
                at += 1
            shown.append("".join(cells).rstrip())
        return shown


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def bar(terminal: Terminal) -> tqdm:
    made = tqdm(total=9, file=terminal, unit="frame", mininterval=0, ncols=60)
    made.update(3)
    return made


def test_the_fault_would_be_seen(terminal: Terminal) -> None:
    with bar(terminal):
        terminal.write("a warning\n")
    assert "a warning" not in terminal.lines()


def test_log_lines_stand_alone(terminal: Terminal) -> None:
    logger = logging.Logger("tests.terminal")
    logger.addHandler(LineHandler(terminal))
    with bar(terminal):
        logger.warning("a warning")
        logger.warning("another")
    assert terminal.lines()[:2] == ["a warning", "another"]
    assert "3/9" in terminal.lines()[2]


def test_an_exports_lines_stand_alone(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    with bar(terminal):
        say("a step")
    assert terminal.lines()[0] == "export: a step"


def test_json_lines_on_a_terminal_stand_alone(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", terminal)  # the bar's stderr is the same terminal
    monkeypatch.setattr(sys, "stderr", terminal)
    with bar(terminal):
        write_stdout(json.dumps({"frame": 1}) + "\n", "--jsonl")
    assert terminal.lines()[0] == '{"frame": 1}'


def test_without_a_bar_nothing_is_added(terminal: Terminal) -> None:
    logger = logging.Logger("tests.terminal")
    logger.addHandler(LineHandler(terminal))
    logger.warning("alone")
    assert terminal.getvalue() == "alone\n"
