"""The compatibility run's own parts: the Pythons it finds, what it excuses, what it writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.compat.environment import Outcome
from tests.compat.interpreters import find_interpreter, read_supported
from tests.compat.table import BEGIN, END, format_table, write_table
from tests.support.processes import LIMIT_S


def test_supported_versions_are_read_from_the_project() -> None:
    assert read_supported('requires-python = ">=3.9,<3.12"\n') == ["3.9", "3.10", "3.11"]
    with pytest.raises(ValueError, match="requires-python"):
        read_supported('requires-python = ">=3.10"\n')


def test_this_python_is_found_and_a_future_one_is_not() -> None:
    here = f"3.{sys.version_info.minor}"
    assert find_interpreter(here) == sys.executable
    assert find_interpreter("3.999") is None


def test_table_is_put_between_the_markers(tmp_path: Path) -> None:
    good = Outcome("3.10", "oldest", {"numpy": "1.24.0"}, passed=7, skipped=2)
    bad = Outcome("3.13", "newest", failed="uv pip install", detail="no wheel")
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    write_table(page, format_table([good, bad], ["3.14"]), "Run today.")
    lines = page.read_text().splitlines()
    assert lines[0] == "above" and lines[-1] == "below" and "old" not in lines
    assert [line for line in lines if line.startswith("| 3.")] == [
        "| 3.10 | oldest | 1.24.0 |  |  |  |  |  | ok | 7 | 2 |",
        "| 3.13 | newest |  |  |  |  |  |  | **failed**: uv pip install |  |  |",
        "| 3.14 |  |  |  |  |  |  |  | not run: not on this machine |  |  |",
    ]
    page.write_text("no marker here\n")
    with pytest.raises(ValueError, match="should hold the lines"):
        write_table(page, "", "")


TESTS = {
    "test_module.py": "import absent_package\ndef test_a(): pass\n",
    "test_function.py": "def test_a():\n    import absent_package.part\ndef test_b(): pass\n",
    "test_wrong.py": "def test_a():\n    import tests.absent\ndef test_b(): assert 0\n",
}


def test_lean_plugin_excuses_absent_packages_only(tmp_path: Path, repository: Path) -> None:
    for name, text in TESTS.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.compat.lean", "-rs",
               "-c", str(repository / "pyproject.toml"), "-p", "no:cacheprovider"]  # fmt: skip
    done = subprocess.run(
        [*command, str(tmp_path)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 1
    assert done.stdout.count("needs absent_package, which a lean install lacks") == 2
    assert "2 failed, 1 passed, 2 skipped" in done.stdout
