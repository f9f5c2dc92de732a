"""`python -m training.data.streetworld` as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data.streetworld import CLASS_NAMES, moving_scene


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training.data.streetworld", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_sheet(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    done = run("sheet", "--out", str(out), "--scenes", "5", "--labels", "--namespace", "eval")
    assert done.returncode == 0, done.stderr
    sheet = cv2.imread(str(out))
    assert sheet.shape[0] > 300 and sheet.shape[1] == 4 * 2 * 256


def test_stats_names_every_class() -> None:
    done = run("stats", "--scenes", "30")
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in CLASS_NAMES)


def test_bench_prints_a_rate() -> None:
    done = run("bench", "--scenes", "20")
    assert done.returncode == 0, done.stderr
    assert "scenes/s on one core" in done.stdout


def test_clip_and_masks(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    out, masks = tmp_path / "demo.mp4", tmp_path / "masks"
    done = run("clip", "--out", str(out), "--masks", str(masks), "--seconds", "0.4", "--seed", "2")
    assert done.returncode == 0, done.stderr
    with av.open(str(out)) as container:
        shapes = [frame.to_ndarray(format="rgb24").shape for frame in container.decode(video=0)]
    assert shapes == [(480, 640, 3)] * 6
    truth = [scene.labels_hw for scene in moving_scene(2, frames=6)]
    for number, labels in enumerate(truth):
        written = cv2.imread(str(masks / f"{number:06d}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(written, labels)


@pytest.mark.parametrize(
    "arguments",
    [
        ("sheet", "--scense", "3"),
        ("sheet", "--out", "/no/such/folder/sheet.png", "--scenes", "1"),
        ("clip", "--out", "/no/such/folder/clip.mp4"),
        ("clip", "--namespace", "train"),
        ("clip", "--size", "641x360"),
        ("sheet", "--size", "huge"),
        ("stats", "--scenes", "0"),
        (),
    ],
)
def test_a_mistake_gets_one_line_and_code_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
