"""README and docs: links lead somewhere, figures are those of the files, commands parse."""

from __future__ import annotations

import argparse
import json
import re
import runpy
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import load_bundle
from runtime.command import CommandParser
from runtime.demo import DEMO_BUNDLE
from runtime.text.classes import parse_classes

REPOSITORY = Path(__file__).resolve().parents[2]
EXPERIMENTS = REPOSITORY / "docs" / "experiments"
# What speaks of the project as it is now. Experiments and provenance speak of how it was.
PRESENT = sorted(
    path
    for path in [
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")),
        *(REPOSITORY / "docs").glob("*.md"),
        *(REPOSITORY / "docs" / "reference").glob("*.md"),
    ]
    if path.name != "provenance.md"
)
EVERY = sorted(
    {
        *PRESENT,
        *(REPOSITORY / "docs").rglob("*.md"),
        REPOSITORY / "CHANGELOG.md",
        REPOSITORY / "benchmarks" / "results" / "README.md",
    }
)
FIGURES = [REPOSITORY / "README.md", REPOSITORY / "benchmarks" / "results" / "README.md"]

LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
CODE_PATH = re.compile(r"`((?:training|export|runtime|benchmarks|tests|docs)/[\w./-]*)`")
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:python -m (?:training|export|runtime|benchmarks)|mgca-rt\b|torchrun )")
JSON_ROW = re.compile(r"^\|.*\]\((?P<file>[^)]+\.json)\).*$", re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# Committed files, compared with each other ------------------------------------------------------


@pytest.mark.lint
def test_readme_is_short() -> None:
    words = [word for word in text_of(REPOSITORY / "README.md").split() if re.search(r"\w", word)]
    assert len(words) <= 700


@pytest.mark.lint
def test_method_is_short() -> None:
    assert len(text_of(REPOSITORY / "docs" / "method.md").splitlines()) <= 200


@pytest.mark.lint
@pytest.mark.parametrize("path", EVERY, ids=name_of)
def test_links_lead_to_files(path: Path) -> None:
    missing = [to for to in LINK.findall(text_of(path)) if not (path.parent / to).exists()]
    assert missing == []


@pytest.mark.lint
@pytest.mark.parametrize("path", PRESENT, ids=name_of)
def test_paths_that_are_named_exist(path: Path) -> None:
    missing = [to for to in CODE_PATH.findall(text_of(path)) if not (REPOSITORY / to).exists()]
    assert missing == []


@pytest.mark.lint
def test_every_experiment_is_in_the_index() -> None:
    entries = {path.name for path in EXPERIMENTS.glob("[0-9]*.md")}
    linked = LINK.findall(text_of(EXPERIMENTS / "README.md"))
    assert {to for to in linked if to[0].isdigit()} == entries


@pytest.mark.lint
def test_the_picture_of_the_method_is_the_drawn_one() -> None:
    drawing = runpy.run_path(str(REPOSITORY / "docs" / "figures" / "draw_method.py"))
    assert drawing["PICTURE"].read_text(encoding="utf-8") == drawing["picture"]()


def rows_with_figures() -> list[tuple[str, Path, str]]:
    """(the row, the JSON file it links, the key in it) of all tables of figures."""
    rows = []
    for text in FIGURES:
        for row in JSON_ROW.finditer(text_of(text)):
            keys = INLINE.findall(row[0])
            if keys and "measured" not in row[0]:
                rows.append((row[0], text.parent / row["file"], keys[0]))
    return rows


def test_tables_of_figures_are_found() -> None:
    assert len(rows_with_figures()) > 15


@pytest.mark.lint
@pytest.mark.parametrize(("row", "file", "key"), rows_with_figures())
def test_figures_are_those_of_the_file(row: str, file: Path, key: str) -> None:
    value: Any = json.loads(file.read_text())
    for part in key.split("."):
        value = value[part]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    [(number, percent)] = [
        match.groups() for cell in cells if (match := re.fullmatch(r"(\d+\.\d+)( %)?", cell))
    ]
    decimals = len(number.split(".")[1])
    assert f"{value * (100 if percent else 1):.{decimals}f}" == number


# Commands, read by their own parsers ------------------------------------------------------------


def commands_of(text: str) -> list[str]:
    """Every command line of ours in a text: in blocks of code, and between backticks."""
    blocks = "\n".join(FENCED.findall(text)).replace("\\\n", " ").splitlines()
    outside = FENCED.sub("", text)
    found = [line.strip() for line in [*blocks, *INLINE.findall(outside)]]
    return [line for line in found if COMMAND.match(line)]


def as_module(line: str) -> tuple[str, list[str]]:
    """(module, arguments) of a command line; a bare one is asked for its help."""
    words = shlex.split(line, comments=True)
    words = words[: words.index(">")] if ">" in words else words
    if words[0] == "mgca-rt":
        module, arguments = "runtime", words[1:]
    else:
        at = words.index("-m")
        module, arguments = words[at + 1], words[at + 2 :]
    if not any(word.startswith("-") for word in arguments):
        arguments = [*arguments, "--help"]
    return module, arguments


COMMANDS = sorted({line for path in PRESENT for line in commands_of(text_of(path))})


def parse_and_stop(monkeypatch: pytest.MonkeyPatch) -> list[argparse.Namespace]:
    """Let commands read their arguments and then end; returns what they have read."""
    read: list[argparse.Namespace] = []
    parse = CommandParser.parse_args

    def parse_args(self: CommandParser, *arguments: Any, **named: Any) -> Any:
        read.append(parse(self, *arguments, **named))
        raise SystemExit(0)

    monkeypatch.setattr(CommandParser, "parse_args", parse_args)
    return read


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("line", COMMANDS)
def test_commands_parse(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, arguments = as_module(line)
    read = parse_and_stop(monkeypatch)
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__", alter_sys=False)
    assert ended.value.code in (0, None), capsys.readouterr().err
    assert read or "--help" in arguments


def test_a_flag_that_does_not_exist_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    parse_and_stop(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["runtime", "--no-such-flag"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("runtime", run_name="__main__")
    assert ended.value.code == 2


def test_the_shipped_bundle_knows_the_classes_of_examples(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mgca-rt", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module("runtime", run_name="__main__")
    helped = [line.strip() for line in capsys.readouterr().out.splitlines()]
    lines = {*COMMANDS, *(line for line in helped if line.startswith("mgca-rt --"))}
    trained = set(load_bundle(DEMO_BUNDLE, verify=False).manifest.trained_words or ())
    asked = set()
    for line in lines:
        module, arguments = as_module(line)
        if module == "runtime" and "--classes" in arguments:
            asked.update(parse_classes(arguments[arguments.index("--classes") + 1]))
    words = {word for one in asked for word in one.words}
    assert len(words) > 5
    assert words <= trained


def test_make_targets_exist() -> None:
    targets = {
        target
        for path in PRESENT
        for code in [*FENCED.findall(text_of(path)), *INLINE.findall(text_of(path))]
        for target in re.findall(r"^make ([a-z][a-z-]*)\b(?!=)", code, re.MULTILINE)
    }
    assert {"demo", "test", "docs"} <= targets
    makefile = text_of(REPOSITORY / "Makefile")
    assert [t for t in sorted(targets) if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
