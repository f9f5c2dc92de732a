"""``-`` in place of a file's name: stdout where it can take the output, else an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ENGINE, Run, command_environment


def test_a_report_on_stdout_is_all_that_stands_there(
    run_here: Run, color_bundle: Path, clip: Path, tmp_path: Path
) -> None:
    done = run_here(
        "--video", clip, "--bundle", color_bundle, *ENGINE, "--classes", "sky,tree,car",
        "--background", "none", "--report", "-", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["frames_processed"] == 12
    assert "areas" in done.stderr and list(tmp_path.glob("-*")) == []


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--jsonl - --report -", ["--jsonl -", "--report -"]),
        ("--out -", ["--out -"]),
        ("--label-dir -", ["--label-dir -"]),
        ("--pictures -", ["--pictures -"]),
    ],
)
def test_what_stdout_cannot_take_is_refused(
    flags: str, words: list[str], run_here: Run, color_bundle: Path, clip: Path, tmp_path: Path
) -> None:
    before = set(tmp_path.iterdir())
    done = run_here(
        "--video", clip, "--bundle", color_bundle, "--classes", "car", *flags.split(), cwd=tmp_path
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words) and "stdout" in done.stderr
    assert set(tmp_path.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "export --out -",
        "export --out bundle --triton -",
        "training.run --runs -",
        "training.checkpoints slim --checkpoint a.pt --out -",
        "training.data.streetworld clip --out -",
    ],
)
def test_other_commands_refuse_it_too(command: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=tmp_path, env=command_environment(),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "would mean stdout" in done.stderr and not list(tmp_path.iterdir())


def test_a_benchmark_writes_its_record_there_and_its_table_beside() -> None:
    code = (
        "from pathlib import Path; from benchmarks.record.files import check_writable, write_json; "
        "check_writable(Path('-')); print('a table'); write_json(Path('-'), {'miou': 0.5})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=command_environment(), capture_output=True, text=True,
        timeout=300, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == {"miou": 0.5} and done.stderr == "a table\n"
