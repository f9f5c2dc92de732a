"""A run's metrics read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.figures.metrics_log import drop_overtaken, read_metrics
from runtime.errors import UserError
from tests.benchmarks.figures.run_logs import EVALUATION, MGCA, PRETRAIN, write_lines


def test_both_phases_are_read_apart(tmp_path: Path):
    path = write_lines(tmp_path / "demo" / "metrics.jsonl", PRETRAIN, EVALUATION, MGCA)
    metrics = read_metrics(path)
    assert metrics.name == "demo"
    assert metrics.losses == {
        "pretrain": {"caption": [(10, 4.0)], "loss": [(10, 5.0)]},
        "mgca": {"object": [(10, 1.5)], "loss": [(10, 2.5)]},
    }
    assert metrics.miou == {"mgca": {"adaptive units": [(0, 25.0)], "per pixel": [(0, 20.0)]}}


def test_half_a_last_line_does_not_count_and_other_faults_are_told(tmp_path: Path):
    path = write_lines(tmp_path / "metrics.jsonl", PRETRAIN)
    with path.open("a") as file:
        file.write('{"phase": "pretrain", "st')
    assert read_metrics(path).losses["pretrain"]["loss"] == [(10, 5.0)]
    with path.open("a") as file:
        file.write("\n")
    with pytest.raises(UserError, match="line 2"):
        read_metrics(path)
    with pytest.raises(UserError, match="no metrics yet"):
        read_metrics(write_lines(tmp_path / "empty.jsonl"))


def test_what_is_not_finite_is_left_out(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    later = {**PRETRAIN, "step": 20, "caption": float("nan"), "loss": float("inf")}
    absent = {**EVALUATION, "miou_pixel": None}
    write_lines(path, PRETRAIN, later, absent)
    metrics = read_metrics(path)
    assert metrics.losses["pretrain"] == {"caption": [(10, 4.0)], "loss": [(10, 5.0)]}
    assert set(metrics.miou["mgca"]) == {"adaptive units"}


def test_what_a_resumed_run_did_again_counts_once():
    def line(step: int, take: str, phase: str = "pretrain", **more: object) -> dict[str, object]:
        return {"phase": phase, "step": step, "take": take, **more}

    first = [line(10, "a"), line(20, "a"), line(20, "a", evaluation="e"), line(30, "a")]
    first += [line(10, "a", "mgca")]
    kept = drop_overtaken([*first, line(20, "b"), line(20, "b", evaluation="e")])
    assert [(record["step"], record["take"]) for record in kept] == [
        (10, "a"),
        (20, "b"),
        (20, "b"),
    ]
    assert drop_overtaken(first) == first
