"""What the flags mean, what is refused, and the whole command in small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.figures.__main__ import main
from benchmarks.figures.arguments import parse_scenes
from benchmarks.figures.colors import class_colors
from benchmarks.figures.pictures import check_outside_repositories
from runtime.errors import UserError
from tests.benchmarks.figures.run_logs import EVALUATION, MGCA, PRETRAIN, write_lines
from tests.support.processes import LIMIT_S

REPOSITORY = Path(__file__).resolve().parents[3]


def test_scenes_are_named_by_number_or_namespace():
    assert parse_scenes("8, compositions-0,eval-3") == [
        ("eval", 8),
        ("compositions", 0),
        ("eval", 3),
    ]


def test_camvid_pictures_stay_out_of_every_repository(tmp_path: Path):
    check_outside_repositories(tmp_path / "new")
    (tmp_path / ".git").mkdir()
    with pytest.raises(UserError, match="repository"):
        check_outside_repositories(tmp_path / "new" / "deeper")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "curves", "--run", "/nowhere"], "/nowhere"),
        (["--only", "curves,pie"], "'pie'"),
        (["--only", "units", "--camvid-out", str(REPOSITORY / "runs")], "repository"),
        (["--scenes", "train-3"], "train-3"),
        (["--words", "car,,sky"], "car,,sky"),
        (["--stage", "object"], "NAME=CHECKPOINT"),
        (["--size", "64"], "640x480"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_two(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["--out", str(tmp_path / "out"), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--checkpoint", "/nowhere.pt"], "/nowhere.pt"),
        (["--only", "grid", "--stage", "+object=/nowhere.pt"], "/nowhere.pt"),
        (["--only", "similarity", "--words", "zebra"], "'zebra'"),
        (["--only", "units", "--size", "100x100"], "100x100"),
    ],
)
def test_a_model_that_is_not_there_and_words_it_cannot_know_exit_two(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    run = write_lines(tmp_path / "demo" / "metrics.jsonl", PRETRAIN)
    assert main(["--out", str(tmp_path / "out"), "--run", str(run.parent), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_whole_command_draws_four_small_pictures(tmp_path: Path):
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    from PIL import Image

    run = write_lines(tmp_path / "$x_{" / "metrics.jsonl", PRETRAIN, EVALUATION, MGCA)
    out = tmp_path / "out"
    stage = f"+$object_{{={REPOSITORY / 'training' / 'assets' / 'demo.pt'}"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.figures", "--out", out, "--run", run.parent),
            *("--stage", stage, "--scenes", "8,compositions-0", "--size", "96x72"),
        ],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    drawn = [Path(line.split()[0]).name for line in done.stdout.splitlines()]
    assert drawn == ["units.png", "grid.png", "similarity.png", "curves.png"]
    assert sorted(path.name for path in out.iterdir()) == sorted(drawn)
    assert all((out / name).stat().st_size < 400_000 for name in drawn)
    grid = np.asarray(Image.open(out / "grid.png").convert("RGB")).astype(int)
    assert 5 * 230 < grid.shape[1] < 5 * 290  # image, baseline, +object, +units, truth
    sky = class_colors(["sky"])[0]
    assert (np.abs(grid - sky).sum(-1) <= 12).mean() > 0.005  # the truth at least
