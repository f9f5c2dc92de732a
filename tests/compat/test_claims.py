"""What pyproject.toml claims is what the table in docs/compatibility.md says was run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.compat.environment import SHOWN_PACKAGES
from tests.compat.interpreters import read_supported

pytestmark = pytest.mark.lint


def _rows(repository: Path) -> list[dict[str, str]]:
    text = (repository / "docs" / "compatibility.md").read_text(encoding="utf-8")
    lines = text.partition("<!-- table: begin")[2].partition("<!-- table: end")[0].splitlines()
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def test_table_has_every_supported_python_and_none_failed(repository: Path) -> None:
    supported = read_supported((repository / "pyproject.toml").read_text(encoding="utf-8"))
    rows = _rows(repository)
    assert [row for row in rows if "failed" in row["demo and tests"]] == []
    assert list(dict.fromkeys(row["Python"] for row in rows)) == supported


def test_classifiers_name_the_pythons_that_were_run(repository: Path) -> None:
    text = (repository / "pyproject.toml").read_text(encoding="utf-8")
    claimed = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)
    ran = {(row["Python"], row["versions"]) for row in _rows(repository) if row["tests passed"]}
    assert {(python, kind) for python in claimed for kind in ("newest", "oldest")} == ran


@pytest.mark.parametrize("package", SHOWN_PACKAGES)
def test_floor_of_each_package_was_run(repository: Path, package: str) -> None:
    """The oldest version of any row is the floor, not a later one."""
    text = (repository / "pyproject.toml").read_text(encoding="utf-8")
    floors = re.findall(rf'^    "{package}(?:-gpu)?>=([\d.]+)', text, re.MULTILINE)
    assert floors and len(set(floors)) == 1
    oldest = min(_release(row[package]) for row in _rows(repository) if row[package])
    floor = _release(floors[0])
    assert oldest[: len(floor)] == floor
