"""`python -m training.data.streetworld` as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.command import run_command
from tests.support.processes import LIMIT_S
from training.data.streetworld import CLASS_NAMES, generate_scene, moving_scene
from training.data.streetworld.__main__ import PROG, run

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command in this process."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        threads = cv2.getNumThreads()
        code = run_command(PROG, run, arguments)
        cv2.setNumThreads(threads)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return call


def test_it_is_a_command_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training.data.streetworld", "stats", "--scenes", "30"],
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT_S,
    )
    assert all(name in done.stdout for name in CLASS_NAMES)


def test_sheet(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    done = command("sheet", "--out", str(out), "--scenes", "5", "--labels", "--namespace", "eval")
    assert done.returncode == 0, done.stderr
    sheet = cv2.imread(str(out))
    assert sheet.shape[0] > 300 and sheet.shape[1] == 4 * 2 * 256


@pytest.mark.parametrize(
    ("flags", "rules"),
    [
        ((), {"namespace": "train", "variant": "singles", "exposure": "v1"}),
        (("--variant", "tiles"), {"namespace": "train", "variant": "tiles", "exposure": "v1"}),
        (("--namespace", "eval"), {"namespace": "eval"}),
        (("--namespace", "eval", "--exposure", "v1"), {"namespace": "eval", "exposure": "v1"}),
    ],
)
def test_a_sheet_shows_the_scenes_asked_for(
    command: Command, tmp_path: Path, flags: tuple[str, ...], rules: dict[str, str]
) -> None:
    """Scene 60 of the evaluation is one that exposure changes."""
    out = tmp_path / "sheet.png"
    done = command(
        "sheet", "--out", str(out), "--scenes", "1", "--seed", "60", "--size", "64x48", *flags
    )
    assert done.returncode == 0, done.stderr
    shown = cv2.imread(str(out))[:96:2, :128:2, ::-1]
    assert np.array_equal(shown, generate_scene(60, size_wh=(64, 48), **rules).image_hw3)


def test_stats_know_variants(command: Command) -> None:
    tables = {
        variant: command("stats", "--scenes", "20", "--variant", variant).stdout
        for variant in ("singles", "tiles")
    }
    assert all(name in tables["tiles"] for name in CLASS_NAMES)
    assert tables["singles"] != tables["tiles"]


def test_bench_prints_a_rate(command: Command) -> None:
    done = command("bench", "--scenes", "10", "--variant", "mixed", "--size", "32x24")
    assert done.returncode == 0, done.stderr
    assert "scenes/s on one core" in done.stdout


def test_clip_and_masks(command: Command, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    out, masks = tmp_path / "demo.mp4", tmp_path / "masks"
    done = command(
        "clip", "--out", str(out), "--masks", str(masks), "--seconds", "0.4", "--seed", "2",
        "--size", "160x96",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with av.open(str(out)) as container:
        shapes = [frame.to_ndarray(format="rgb24").shape for frame in container.decode(video=0)]
    assert shapes == [(96, 160, 3)] * 6
    truth = [scene.labels_hw for scene in moving_scene(2, frames=6, size_wh=(160, 96))]
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
        ("stats", "--seed", "-1"),
        ("sheet", "--variant", "hills"),
        ("sheet", "--exposure", "v3"),
        ("clip", "--exposure", "v1"),
        ("clip", "--seconds", "1e9"),
        (),
    ],
)
def test_a_mistake_gets_one_line_and_code_2(command: Command, arguments: tuple[str, ...]) -> None:
    done = command(*arguments)
    assert done.returncode == 2, done
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
