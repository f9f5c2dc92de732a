"""How training speed is summed up, what is counted, and the whole command in small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.training_speed.__main__ import main
from benchmarks.training_speed.summary import format_summary, summarise
from tests.support.processes import LIMIT_S

REPOSITORY = Path(__file__).resolve().parents[3]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.training_speed", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
        timeout=LIMIT_S,
    )


def _measured(samples_s: float, matrix: float, scenes_s: float = 300.0) -> dict[str, Any]:
    """A step of 10 samples and 5 GFLOP."""
    phase = {
        "batch": 10,
        "samples_s": samples_s,
        "step_s": 10 / samples_s,
        "gflop_step": 5.0,
        "scenes_s": scenes_s,
    }
    rates = {"fp32": matrix, "bf16": 2 * matrix}
    return {"precision": "bf16", "threads": 2, "matrix_gflop_s": rates, "phases": {"mgca": phase}}


def test_ratios_are_paired_and_shares_are_each_measurements_own():
    rounds = [
        (_measured(100, 100), _measured(25, 100)),
        (_measured(50, 50), _measured(25, 80)),  # a busy round
        (_measured(120, 100), _measured(40, 100)),
    ]
    record = summarise(rounds)
    phase = record["phases"]["mgca"]
    assert phase["samples_s"] == {"kept": 100, "given_back": 25}
    assert phase["ratios"] == [4.0, 2.0, 3.0]
    assert phase["kept_over_given_back"] == 3.0
    assert phase["gflop_s"] == pytest.approx(50)  # 5 GFLOP in 0.1 s
    # 50 of 100, 25 of 50, 60 of 100
    assert phase["share_of_matrix_rate"]["fp32"] == pytest.approx(0.5)
    assert phase["share_of_matrix_rate"]["bf16"] == pytest.approx(0.25)
    assert record["matrix_gflop_s"] == {"fp32": 100, "bf16": 200}
    assert record["data"] == {"scenes_s_of_one_worker": 300, "worker_over_faster_phase": 3.0}
    assert "mgca" in format_summary(record)


def test_flops_of_forward_and_backward_are_counted():
    torch = pytest.importorskip("torch")
    import contextlib

    from benchmarks.training_speed.step import count_flops

    class Linear(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(4, 8))

        def forward(self, batch: Any) -> dict[str, Any]:
            return {"loss": (batch @ self.weight.T).sum()}

    module = Linear()
    # forward 2 * 16 * 8 * 4; the backward pass has the weight's gradient alone, as much again
    assert count_flops(module, torch.ones(16, 8), contextlib.nullcontext()) == 2 * 1024
    assert module.weight.grad is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--steps", "0"], "--steps"),
        (["--round", "3"], "--rounds"),
        (["--json", "/proc/new/file.json"], "/proc"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_two(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
):
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.slow
def test_an_unknown_config_is_the_users_error():
    done = _run("--config", "nonsense", "--rounds", "1")
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "nonsense" in line


@pytest.mark.long
def test_the_whole_command_in_small(tmp_path: Path):
    target, config = tmp_path / "speed.json", tmp_path / "tiny.json"
    phase = {"steps": 50, "batch": 4, "captions": 2}
    config.write_text(json.dumps({"name": "tiny", "pretrain": phase, "mgca": phase}))
    done = _run(
        "--config", config, "--steps", "1", "--warmup", "1", "--rounds", "1", "--json", target
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(target.read_text())
    assert set(record["phases"]) == {"pretrain", "mgca"}
    for phase in record["phases"].values():
        assert phase["gflop_step"] > 1
        assert 0 < phase["share_of_matrix_rate"]["fp32"] < 1.5
        assert phase["samples_s"]["kept"] > 0
        assert len(phase["ratios"]) == 1
    kept, returned = record["measurements"]
    assert (kept["memory"], returned["memory"]) == ("kept", "given-back")
    assert returned["thresholds_raised"] is False
    assert record["data"]["scenes_s_of_one_worker"] > 1
    assert record["versions"]["torch"]
    assert "pretrain" in done.stdout
