"""README and docs: links lead somewhere, figures are those of the files, commands parse."""

from __future__ import annotations

import argparse
import json
import re
import runpy
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import load_bundle
from runtime.command import CommandParser
from runtime.demo import DEMO_BUNDLE
from runtime.text.classes import parse_classes
from tests.support.documented import FENCED, INLINE, as_module, commands_of

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
@pytest.mark.parametrize("script", ["draw_method.py", "draw_units.py"])
def test_the_picture_of_the_method_is_the_drawn_one(script: str) -> None:
    drawing = runpy.run_path(str(REPOSITORY / "docs" / "figures" / script))
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


def _choices() -> dict[str, str]:
    """What had a part in choices, by the file and key of each row of the measured figures."""
    table = FENCED.sub("", text_of(FIGURES[1]))
    return {
        f"{row['file']} {INLINE.findall(row[0])[0]}": row[0].strip("|").split("|")[-1].strip()
        for row in JSON_ROW.finditer(table)
        if INLINE.findall(row[0]) and row[0].count("|") == 6
    }


@pytest.mark.lint
def test_no_headline_is_tuned() -> None:
    """Only figures of data on which no setting was chosen stand in the README."""
    choices = _choices()
    assert sum(choice.startswith("tuned: ") for choice in choices.values()) >= 4
    untuned = {key.split()[0] for key, choice in choices.items() if choice.startswith("no")}
    assert untuned == {"streetworld_seed_2026.json", "camvid_51_101.json"}
    headlines = {Path(row["file"]).name for row in JSON_ROW.finditer(text_of(FIGURES[0]))}
    assert headlines - {"latency.json"} <= untuned


@pytest.mark.lint
def test_what_is_drawn_is_called_no_photograph() -> None:
    """The drawn world's model saw generated pictures only: nothing of its training may be called a
    photograph. What is about real ones may speak of them.
    """
    of_real_ones = {"nouns.py", "mgca.py", "variants.py", "crops.py"}
    of_real_ones |= {"photo.py", "prompts.py", "class_level.py", "kinds.py", "README.md"}
    of_real_ones |= {
        "002-nouns-as-partial-labels.md",
        "030-nouns-by-part-of-speech.md",
        "031-photographs-begun.md",
        "032-photographs-trained.md",
        "033-grains-on-photographs.md",
        "034-nearness-presence-no-edge-stages.md",
        "035-joint-training-tuned-trunk.md",
    }
    paths = [*EXPERIMENTS.glob("*.md"), *(REPOSITORY / "training").rglob("*.py")]
    said = [path for path in paths if re.search("photograph", text_of(path), re.IGNORECASE)]
    assert {path.name for path in said} <= of_real_ones


# Commands, read by their own parsers ------------------------------------------------------------


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
