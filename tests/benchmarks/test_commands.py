"""The two commands as real processes, on the shipped bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def _run(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )


@pytest.mark.slow
def test_accuracy_prints_both_units_and_writes_design_json(tmp_path: Path):
    target = tmp_path / "accuracy.json"
    done = _run(
        "benchmarks.accuracy", "--scenes", "12", "--size", "160x120", "--seed", "7",
        "--json", target,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "adaptive" in done.stdout
    assert "pixel" in done.stdout
    record = json.loads(target.read_text())
    assert record["dataset"] == "streetworld"
    assert record["units"] == "adaptive"
    assert record["frames"] == 12
    assert 0 < record["miou"] <= 1
    assert record["miou"] == record["by_units"]["adaptive"]["miou"]
    assert record["miou"] == pytest.approx(sum(record["iou"].values()) / len(record["iou"]))
    low, high = record["miou_gain_ci95"]
    assert low <= record["miou_gain"] <= high
    assert set(record["compositions"]) == {"adaptive", "pixel"}
    assert "--seed 7" in record["command"]


@pytest.mark.slow
def test_accuracy_is_the_same_twice_and_better_than_with_permuted_words(tmp_path: Path):
    figures = []
    for extra in ([], [], ["--control", "permuted-words"], ["--control", "mean-map"]):
        target = tmp_path / f"{len(figures)}.json"
        done = _run(
            "benchmarks.accuracy", "--scenes", "8", "--size", "128x96", "--units", "pixel",
            "--no-compositions", "--json", target, *extra,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        figures.append(json.loads(target.read_text()))
    assert figures[0]["iou"] == figures[1]["iou"]
    assert figures[2]["control"] == "permuted-words"
    assert figures[2]["miou"] < figures[0]["miou"] / 2
    assert figures[3]["miou"] < figures[0]["miou"]


@pytest.mark.slow
@pytest.mark.camvid
def test_accuracy_on_camvid_frames(camvid_root: Path, tmp_path: Path):
    target = tmp_path / "camvid.json"
    done = _run(
        "benchmarks.accuracy", "--dataset", "camvid", "--root", camvid_root,
        "--frames", "1-4", "--json", target,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(target.read_text())
    assert record["dataset"] == "camvid"
    assert record["frames"] == 4
    assert "compositions" not in record
    assert {"sky", "road", "building"} <= set(record["iou"])


@pytest.mark.slow
def test_latency_writes_design_json(tmp_path: Path):
    target = tmp_path / "latency.json"
    done = _run(
        "benchmarks.latency", "--frames", "12", "--warmup", "2", "--threads", "1",
        "--backend", "onnxruntime-cpu", "--json", target,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(target.read_text())
    stages = record["stages_ms"]
    assert set(stages) == {"capture", "preprocess", "infer", "postprocess", "total"}
    for times in stages.values():
        assert 0 <= times["p50"] <= times["p90"] <= times["p95"] <= times["p99"]
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
        ("benchmarks.accuracy", ["--dataset", "ade20k"], "streetworld"),
        ("benchmarks.accuracy", ["--dataset", "camvid", "--root", "/nowhere"], "/nowhere"),
        ("benchmarks.accuracy", ["--bundle", "/nowhere"], "/nowhere"),
        ("benchmarks.accuracy", ["--json", "/proc/new/file.json"], "/proc"),
        ("benchmarks.latency", ["--bundle", "/nowhere"], "/nowhere"),
        ("benchmarks.latency", ["--video", "/nowhere.mp4"], "/nowhere.mp4"),
        ("benchmarks.latency", ["--classes", "car,car"], "car"),
        ("benchmarks.latency", ["--backend", "abacus"], "abacus"),
        ("benchmarks.latency", ["--warmup", "-1"], "--warmup"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_two(module: str, arguments: list[str], says: str):
    done = _run(module, *arguments)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert says in line
    assert "Traceback" not in line
    assert done.stdout == ""


def test_debug_shows_where(tmp_path: Path):
    done = _run("benchmarks.accuracy", "--bundle", tmp_path / "none", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("python -m benchmarks.accuracy: error: ")


def test_help_has_an_example():
    for module in ("benchmarks.accuracy", "benchmarks.latency"):
        done = _run(module, "--help")
        assert done.returncode == 0
        assert f"python -m {module} --" in done.stdout
