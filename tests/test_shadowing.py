"""A folder of the user's named like one of our packages, in the folder a command is run from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import command_environment


def run(module: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=folder, capture_output=True, text=True,
        env=command_environment() | more, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("training.run", "runtime"), ("export", "runtime"), ("benchmarks.latency", "runtime"),
        ("export", "training"), ("benchmarks.latency", "training"),
    ],
)  # fmt: skip
def test_it_is_named_and_what_to_do(module: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    done = run(module, tmp_path)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and name in last and "hides this program's own package" in last
    if sys.version_info >= (3, 11):
        assert run(module, tmp_path, PYTHONSAFEPATH="1").returncode == 0


def test_a_folder_without_python_files_hides_nothing(tmp_path: Path) -> None:
    for name in ("runtime", "training", "export"):
        (tmp_path / name).mkdir()
    assert run("benchmarks.latency", tmp_path).returncode == 0
