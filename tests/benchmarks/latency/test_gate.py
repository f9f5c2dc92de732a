"""``--compare``: what passes, what fails, and what cannot be compared."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.latency.gate import hold_to, read_old
from runtime.errors import MgcaError, UserError

RECORD: dict[str, Any] = {
    "stages_ms": {"total": {"p95": 10.0, "ci95": {"p95": [9.5, 11.0]}}},
    "frames": 200,
    "provider": "CPUExecutionProvider",
    "bundle": {"id": "a@1", "precision": "fp32"},
    "hardware": {"cpu": "X", "cores": 2, "architecture": "x86_64"},
    "input_size_wh": [288, 216],
    "source_size_wh": [640, 480],
    "classes": ["car"],
    "background": "auto",
    "units": "adaptive",
    "threads": None,
}
OLD = Path("old.json")


def changed(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(RECORD) | changes


def slower(times: float) -> dict[str, Any]:
    record = copy.deepcopy(RECORD)
    record["stages_ms"]["total"]["p95"] *= times
    return record


def test_as_fast_as_allowed_passes() -> None:
    assert "1.050 times" in hold_to(RECORD, slower(1.05), OLD, 1.05)


def test_slower_fails_with_the_figures() -> None:
    with pytest.raises(MgcaError, match=r"10\.60 ms .* is 1\.060 times the 10\.00 ms") as failed:
        hold_to(RECORD, slower(1.06), OLD, 1.05)
    assert failed.value.exit_code == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input_size_wh": [448, 448]}, "input size (288,216, now 448,448)"),
        ({"hardware": RECORD["hardware"] | {"cpu": "Y"}}, "processor (X, now Y)"),
        ({"classes": ["car", "bus"]}, "classes (car, now car,bus)"),
        ({"threads": 1}, "threads (None, now 1)"),
    ],
)
def test_what_differs_is_refused_and_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as refused:
        hold_to(RECORD, changed(**changes), OLD, 1.05)
    assert said in str(refused.value) and refused.value.exit_code == 2
    assert hold_to(RECORD, changed(**changes), OLD, 1.05, anyway=True)


def test_another_bundle_or_backend_is_what_is_compared_and_named() -> None:
    new = changed(bundle={"id": "b@2", "precision": "int8"}, provider="OpenVINO CPU f32")
    line = hold_to(RECORD, new, OLD, 1.05)
    assert "then a@1 fp32 on CPUExecutionProvider, now b@2 int8 on OpenVINO CPU f32" in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "no record of this command"),
        ('{"dataset": "camvid"}', "no record of this command"),
        (json.dumps(changed(frames=100)), "its p95 needs 130"),
    ],
)
def test_a_file_that_is_no_fit_record_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        read_old(path)


def test_the_committed_record_can_be_compared_with(repository: Path) -> None:
    assert read_old(repository / "benchmarks" / "results" / "latency.json")["frames"] >= 130
