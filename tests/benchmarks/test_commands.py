"""``benchmarks.accuracy`` and ``benchmarks.latency`` on the shipped bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import accuracy
from benchmarks.frame_time import __main__ as frame_time
from benchmarks.latency import __main__ as latency
from tests.support.processes import LIMIT_S

COMMANDS = {
    "benchmarks.accuracy": accuracy.main,
    "benchmarks.frame_time": frame_time.main,
    "benchmarks.latency": latency.main,
}


def _score(target: Path, *flags: str) -> dict[str, Any]:
    """Run ``benchmarks.accuracy`` in this process; its record."""
    assert accuracy.main([*flags, "--threads", "1", "--json", str(target)]) == 0
    return json.loads(target.read_text())


@pytest.mark.slow
def test_accuracy_prints_both_units_and_writes_design_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    record = _score(tmp_path / "a.json", "--scenes", "8", "--size", "128x96", "--seed", "7")
    printed = capsys.readouterr().out
    assert "adaptive" in printed
    assert "pixel" in printed
    assert (record["dataset"], record["version"]) == ("streetworld", "streetworld-v2")
    assert record["units"] == "adaptive"
    assert record["frames"] == 8
    assert 0 < record["miou"] <= 1
    assert record["miou"] == record["by_units"]["adaptive"]["miou"]
    assert record["miou"] == pytest.approx(sum(record["iou"].values()) / len(record["iou"]))
    low, high = record["miou_gain_ci95"]
    assert low <= record["miou_gain"] <= high
    assert set(record["compositions"]) == {"adaptive", "pixel"}
    assert record["command"].startswith("python -m benchmarks.accuracy --scenes 8")
    assert "--seed 7" in record["command"]


@pytest.mark.slow
def test_accuracy_is_the_same_twice_and_better_than_with_permuted_words(tmp_path: Path):
    small = ["--scenes", "6", "--size", "96x72", "--units", "pixel", "--no-compositions"]
    figures = [
        _score(tmp_path / "figures.json", *small, *more)
        for more in (
            [],
            ["--dataset", "streetworld-v2"],
            ["--control", "permuted-words"],
            ["--control", "mean-map"],
        )
    ]
    assert figures[0]["iou"] == figures[1]["iou"]
    assert figures[0]["version"] == figures[1]["version"]
    assert figures[2]["control"] == "permuted-words"
    assert figures[2]["miou"] < figures[0]["miou"] / 2
    assert figures[3]["miou"] < figures[0]["miou"]


@pytest.mark.slow
@pytest.mark.camvid
def test_accuracy_on_camvid_frames(camvid_root: Path, tmp_path: Path):
    flags = ["--dataset", "camvid", "--root", str(camvid_root), "--frames", "1-4"]
    record = _score(tmp_path / "camvid.json", *flags)
    assert record["dataset"] == "camvid"
    assert record["frames"] == 4
    assert "compositions" not in record
    assert "version" not in record
    assert {"sky", "road", "building"} <= set(record["iou"])


@pytest.mark.slow
def test_latency_writes_design_json(tmp_path: Path):
    target = tmp_path / "latency.json"
    flags = ["--frames", "12", "--warmup", "2", "--threads", "1", "--backend", "onnxruntime-cpu"]
    assert latency.main([*flags, "--json", str(target)]) == 0
    record = json.loads(target.read_text())
    stages = record["stages_ms"]
    assert set(stages) == {"capture", "preprocess", "infer", "postprocess", "total"}
    for times in stages.values():
        assert 0 <= times["min"] <= times["p50"] <= times["max"]
        assert [times[point] for point in ("p90", "p95", "p99")] == [None] * 3  # of 12 frames
    assert stages["total"]["mean"] >= stages["infer"]["mean"]
    assert record["fps"] == pytest.approx(1000 / stages["total"]["mean"], rel=0.01)
    assert record["provider"] == "CPUExecutionProvider"
    assert record["hardware"]["cores"] >= 1
    assert record["versions"]["numpy"]


@pytest.mark.parametrize(
    ("module", "arguments", "says"),
    [
        ("benchmarks.accuracy", ["--scenes", "0"], "--scenes"),
        ("benchmarks.accuracy", ["--scene", "3"], "--scene"),
        ("benchmarks.accuracy", ["--size", "320"], "640x480"),
        ("benchmarks.accuracy", ["--dataset", "ade21k"], "'streetworld-v1'"),
        ("benchmarks.accuracy", ["--dataset", "ade21k"], "'shipped-clip'"),
        ("benchmarks.accuracy", ["--dataset", "camvid", "--root", "/nowhere"], "/nowhere"),
        ("benchmarks.accuracy", ["--bundle", "/nowhere"], "/nowhere"),
        ("benchmarks.accuracy", ["--json", "/proc/new/file.json"], "/proc"),
        ("benchmarks.frame_time", ["--bundle", "now=/nowhere"], "/nowhere"),
        ("benchmarks.frame_time", ["--video", "/nowhere.mp4"], "/nowhere.mp4"),
        ("benchmarks.frame_time", ["--figure", "/proc/new/file.svg"], "--figure /proc"),
        ("benchmarks.latency", ["--bundle", "/nowhere"], "/nowhere"),
        ("benchmarks.latency", ["--video", "/nowhere.mp4"], "/nowhere.mp4"),
        ("benchmarks.latency", ["--classes", "car,car"], "car"),
        ("benchmarks.latency", ["--backend", "abacus"], "abacus"),
        ("benchmarks.latency", ["--warmup", "-1"], "--warmup"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_two(
    module: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
):
    assert COMMANDS[module](arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert says in line
    assert "Traceback" not in line
    assert captured.out == ""


def _run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.accuracy", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        timeout=LIMIT_S,
    )


def test_debug_shows_where(tmp_path: Path, repository: Path):
    done = _run("--bundle", tmp_path / "none", "--debug", folder=repository)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("python -m benchmarks.accuracy: error: ")


@pytest.mark.parametrize("module", COMMANDS)
def test_help_has_an_example(module: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        COMMANDS[module](["--help"])
    assert left.value.code == 0
    assert f"python -m {module} --" in capsys.readouterr().out
