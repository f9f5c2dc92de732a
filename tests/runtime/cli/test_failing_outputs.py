"""An output that fails while running: the others go on, and the end says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.clips import read_video
from tests.support.processes import ENGINE, Run

FULL = "No space left on device"

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@pytest.fixture
def typed(clip: Path, color_bundle: Path) -> tuple[object, ...]:
    words = ("--classes", "sky,tree,car", "--background", "none")
    return ("--video", clip, "--bundle", color_bundle, *ENGINE, *words, "--jsonl", "/dev/full")


def test_a_full_disk_leaves_the_other_outputs_whole(
    run_here: Run, typed: tuple[object, ...], tmp_path: Path
) -> None:
    out, labels, report = tmp_path / "o.mp4", tmp_path / "l", tmp_path / "r.json"
    done = run_here(*typed, "--out", out, "--label-dir", labels, "--report", report)
    warning, error = done.stderr.splitlines()
    assert done.returncode == 1
    assert warning.startswith("mgca-rt: warning: --jsonl /dev/full could not be written")
    assert warning.endswith("the other outputs go on")
    assert error.startswith("mgca-rt: error: an output lost data: --jsonl /dev/full could not")
    assert len(read_video(out)[0]) == len(list(labels.glob("*.png"))) == 12
    assert str(out) in done.stdout and "12 frames" in done.stdout
    record = json.loads(report.read_text())
    assert record["status"] == "failed" and FULL in record["error"]
    assert record["frames_processed"] == 12
    assert FULL in record["outputs"]["jsonl"]["error"]
    assert [record["outputs"][key]["error"] for key in ("out", "label_dir")] == [None, None]


def test_strict_ends_the_run_at_once(
    run_here: Run, typed: tuple[object, ...], tmp_path: Path
) -> None:
    report = tmp_path / "r.json"
    done = run_here(*typed, "--label-dir", tmp_path / "l", "--strict", "--report", report)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("mgca-rt: error: --jsonl /dev/full could not be written")
    record = json.loads(report.read_text())
    assert record["status"] == "failed" and record["frames_in"] < 12


def test_when_all_have_failed_nothing_is_left_to_do(
    run_here: Run, typed: tuple[object, ...], tmp_path: Path
) -> None:
    done = run_here(*typed, "--out", "/dev/full", "--report", tmp_path / "r.json")
    assert done.returncode == 1 and done.stdout == ""
    error = done.stderr.splitlines()[-1]
    assert error.startswith("mgca-rt: error: every output failed: ")
    assert "--jsonl /dev/full" in error and "--out /dev/full" in error
    assert json.loads((tmp_path / "r.json").read_text())["status"] == "failed"


def test_a_report_that_fails_is_told_too(
    run_here: Run, clip: Path, color_bundle: Path, tmp_path: Path
) -> None:
    done = run_here(
        "--video", clip, "--bundle", color_bundle, *ENGINE, "--classes", "car",
        "--report", "/dev/full", "--label-dir", tmp_path / "l",
    )  # fmt: skip
    assert done.returncode == 1 and len(list((tmp_path / "l").glob("*.png"))) == 12
    assert done.stderr.startswith("mgca-rt: error: --report /dev/full could not be written")
