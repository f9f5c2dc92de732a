"""The pieces of the figures on small arrays, and the whole command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.figures.axes import Axes, find_ticks, smooth
from benchmarks.figures.canvas import GAP, blank, lay_out, make_legend
from benchmarks.figures.colors import (
    NO_CLASS,
    class_colors,
    paint_labels,
    paint_units,
    unit_edges,
)
from benchmarks.figures.curves import draw_curves, loss_lines
from benchmarks.figures.grid import right_share
from benchmarks.figures.legend import present_classes
from benchmarks.figures.metrics_log import drop_overtaken, read_metrics
from benchmarks.figures.pictures import check_outside_repositories, parse_scenes
from benchmarks.figures.png import coarsen, write_png
from benchmarks.figures.similarity import lay_heat, lead_over_mean, normalise_heat
from benchmarks.figures.units import name_units, widest_place
from runtime.draw.palette import palette
from runtime.errors import UserError
from training.data.streetworld import CLASS_NAMES

REPOSITORY = Path(__file__).resolve().parents[3]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.figures", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )


def test_units_are_colored_by_size_whatever_their_slots():
    units_hw = np.array([[7, 7, 7], [7, 40, 2]], np.uint8)
    first, second, third = palette(3)
    expected = [[first, first, first], [first, second, third]]
    assert paint_units(units_hw).tolist() == np.array(expected).tolist()
    renamed = np.array([[0, 0, 0], [0, 63, 9]], np.uint8)
    assert (paint_units(renamed) == paint_units(units_hw)).all()


def test_edges_lie_where_units_change():
    units_hw = np.array([[1, 1, 2], [1, 1, 2], [3, 3, 3]], np.uint8)
    assert unit_edges(units_hw).tolist() == [
        [False, True, False],
        [True, True, True],
        [False, False, False],
    ]


def test_every_class_of_the_world_has_a_color_of_its_own():
    colors = class_colors(CLASS_NAMES)
    assert len(set(colors)) == len(CLASS_NAMES)
    table = np.array(colors, np.int64)
    apart = np.abs(table[:, None] - table[None]).sum(-1) + 1000 * np.eye(len(table), dtype=int)
    assert apart.min() >= 60
    assert NO_CLASS not in colors


def test_labels_are_painted_and_what_has_no_class_is_grey():
    labels_hw = np.array([[0, 1, 255]], np.uint8)
    painted = paint_labels(labels_hw, [(1, 2, 3), (4, 5, 6)])
    assert painted.tolist() == [[[1, 2, 3], [4, 5, 6], list(NO_CLASS)]]


def test_the_legend_names_what_is_there_and_no_label_last():
    maps = [np.array([[2, 2]], np.uint8), np.array([[0, 255]], np.uint8)]
    names = [name for name, _ in present_classes(("sky", "car", "road"), maps)]
    assert names == ["sky", "road", "no label"]
    sliver = np.zeros((100, 100), np.uint8)
    sliver[0, 0] = 1
    assert [name for name, _ in present_classes(("sky", "car"), [sliver])] == ["sky"]


def test_a_units_name_is_written_into_its_widest_place():
    units_hw = np.zeros((60, 120), np.uint8)
    units_hw[:, 100:] = 1
    x, y = widest_place(units_hw == 0)
    assert 28 <= x <= 72
    assert 28 <= y <= 31
    canvas = np.full((60, 120, 3), 128, np.uint8)
    name_units(canvas, units_hw, ["road", "sky"])
    assert (canvas[20:40, 25:75] == 255).any()
    small = np.zeros((60, 120), np.uint8)
    small[0, 0] = 1
    untouched = np.full((60, 120, 3), 128, np.uint8)
    name_units(
        untouched, np.where(small == 1, 0, np.arange(7200).reshape(60, 120) % 250), ["a"] * 251
    )
    assert (untouched == 128).all()  # none is large enough


def test_what_all_words_share_is_taken_off_a_words_cosine():
    shared_hw = np.array([[0.0, 0.5, -0.2]])
    own_khw = np.array([[[0.3, 0.0, 0.0]], [[0.0, 0.1, 0.0]], [[0.0, -0.1, 0.0]]])
    leads = lead_over_mean(shared_hw + own_khw, 1)
    np.testing.assert_allclose(leads, [[[0.3, 0.0, 0.0]]], atol=1e-12)


def test_one_words_pictures_share_one_scale():
    hot, cold = np.array([[0.5, 0.9]]), np.array([[0.1, 0.3]])
    heats, low, high = normalise_heat([hot, cold], (0.0, 100.0))
    assert (low, high) == (0.1, 0.9)
    np.testing.assert_allclose(heats[0], [[0.5, 1.0]], atol=1e-6)
    np.testing.assert_allclose(heats[1], [[0.0, 0.25]], atol=1e-6)


def test_equal_cosines_are_cold_and_outliers_are_cut():
    heats, _, _ = normalise_heat([np.full((2, 2), 0.4)])
    assert heats[0].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    values = np.linspace(0.0, 1.0, 101)[None]
    (heat,), low, high = normalise_heat([values], (10.0, 90.0))
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(0.9)
    assert heat.min() == 0.0
    assert heat.max() == 1.0
    assert heat[0, 50] == pytest.approx(0.5)


def test_hot_is_red_and_cold_is_blue_over_the_picture():
    grey = np.full((8, 8, 3), 100, np.uint8)
    blue, green, red = (int(v) for v in lay_heat(grey, np.full((2, 2), 0.95, np.float32))[4, 4])
    assert red > blue and red > green
    blue, green, red = (int(v) for v in lay_heat(grey, np.full((2, 2), 0.08, np.float32))[4, 4])
    assert blue > red


def test_share_of_right_pixels_leaves_out_what_has_no_truth():
    truth_hw = np.array([[0, 1, 2, 255]], np.uint8)
    labels_hw = np.array([[0, 1, 1, 1]], np.uint8)
    assert right_share(truth_hw, labels_hw, 3) == pytest.approx(2 / 3)
    assert right_share(truth_hw, labels_hw, 2) == 1.0  # class 2 is unlabelled there (CamVid's 11)
    assert right_share(np.full((1, 2), 255, np.uint8), labels_hw[:, :2], 3) == 0.0


def test_panels_stand_in_rows_under_their_titles():
    red, green = blank(20, 10), blank(20, 10)
    red[:], green[:] = (0, 0, 255), (0, 255, 0)
    canvas = lay_out([[red, green], [green, red]], ["a", "b"], letters=10)
    assert canvas.shape == (17 + 2 * (10 + GAP), 2 * (20 + GAP) + GAP, 3)
    assert canvas[17, GAP].tolist() == [0, 0, 255]
    assert canvas[17, 2 * GAP + 20].tolist() == [0, 255, 0]
    assert canvas[17 + 10 + GAP, GAP].tolist() == [0, 255, 0]
    assert (canvas[:17] < 255).any()  # the titles


def test_a_long_legend_takes_another_line():
    entries = [(f"name {i}", (0, 0, 200)) for i in range(6)]
    one, several = make_legend(entries, 2000, letters=20), make_legend(entries, 300, letters=20)
    assert several.shape[0] >= 2 * one.shape[0]
    assert several.shape[1] == 300
    assert (several == (0, 0, 200)).all(-1).sum() == (one == (0, 0, 200)).all(-1).sum()


def test_a_noisy_picture_is_coarsened_until_it_fits(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    full = write_png(tmp_path / "full.png", noise)
    assert (cv2.imread(str(tmp_path / "full.png")) == noise).all()
    limit = full * 6 // 10
    small = write_png(tmp_path / "new" / "small.png", noise, limit)
    assert small == (tmp_path / "new" / "small.png").stat().st_size <= limit
    assert coarsen(np.array([0, 100, 255], np.uint8), 6).tolist() == [0, 85, 255]


def _write_lines(path: Path, *records: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


PRETRAIN = {"phase": "pretrain", "step": 10, "caption": 4.0, "loss": 5.0, "accuracy": 0.1}
MGCA = {"phase": "mgca", "step": 10, "object": 1.5, "loss": 2.5, "images_s": 80.0}
EVALUATION = {"phase": "mgca", "step": 0, "evaluation": "CLIP's own dense features"}
EVALUATION |= {"miou_adaptive": 0.25, "miou_pixel": 0.2, "iou": {"sky": 0.5}}


def test_both_phases_are_read_apart(tmp_path: Path):
    path = _write_lines(tmp_path / "demo" / "metrics.jsonl", PRETRAIN, EVALUATION, MGCA)
    metrics = read_metrics(path)
    assert metrics.name == "demo"
    assert metrics.losses == {
        "pretrain": {"caption": [(10, 4.0)], "loss": [(10, 5.0)]},
        "mgca": {"object": [(10, 1.5)], "loss": [(10, 2.5)]},
    }
    assert metrics.miou == {"mgca": {"adaptive units": [(0, 25.0)], "per pixel": [(0, 20.0)]}}


def test_half_a_last_line_does_not_count_and_other_faults_are_told(tmp_path: Path):
    path = _write_lines(tmp_path / "metrics.jsonl", PRETRAIN)
    with path.open("a") as file:
        file.write('{"phase": "pretrain", "st')
    assert read_metrics(path).losses["pretrain"]["loss"] == [(10, 5.0)]
    with path.open("a") as file:
        file.write("\n")
    with pytest.raises(UserError, match="line 2"):
        read_metrics(path)
    with pytest.raises(UserError, match="no metrics yet"):
        read_metrics(_write_lines(tmp_path / "empty.jsonl"))


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


def test_one_run_shows_its_terms_and_several_their_sums(tmp_path: Path):
    one = read_metrics(_write_lines(tmp_path / "one" / "metrics.jsonl", PRETRAIN, MGCA))
    two = read_metrics(_write_lines(tmp_path / "two" / "metrics.jsonl", PRETRAIN))
    assert list(loss_lines([one], "pretrain")) == ["sum of all", "caption"]
    assert loss_lines([one, two], "pretrain") == {"one": [(10, 5.0)], "two": [(10, 5.0)]}
    assert list(loss_lines([one, two], "mgca")) == ["one"]
    assert list(loss_lines([one, one], "mgca")) == ["one (1)", "one (2)"]
    assert draw_curves([one, two]).shape == draw_curves([two, one]).shape


def test_a_line_goes_through_its_points_and_stays_in_the_frame():
    axes = Axes((300, 200), "title", "step", (0, 10), (0, 4))
    assert axes.place(0, 0) == (axes.inner[0], axes.inner[3])
    assert axes.place(10, 4) == (axes.inner[2], axes.inner[1])
    before = axes.canvas.copy()
    axes.draw_line([(0, 2), (10, 2), (10, 400)], (0, 0, 255))
    x, y = axes.place(5, 2)
    assert axes.canvas[y, x].tolist() == [0, 0, 255]
    changed = (axes.canvas != before).any(-1)
    assert not changed[: axes.inner[1]].any()


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (3, 9, [3, 4, 5, 6, 7, 8, 9]),
        (0, 24, [0, 5, 10, 15, 20]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]):
    assert find_ticks(low, high) == ticks


def test_a_running_mean_keeps_length_and_level():
    assert smooth([2.0] * 5, 3).tolist() == [2.0] * 5
    assert smooth([1.0, 5.0], 1).tolist() == [1.0, 5.0]


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
def test_bad_arguments_are_one_line_and_exit_two(arguments: list[str], says: str, tmp_path: Path):
    done = _run("--out", tmp_path / "out", *arguments)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert says in line
    assert "Traceback" not in line
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
    arguments: list[str], says: str, tmp_path: Path
):
    run = _write_lines(tmp_path / "demo" / "metrics.jsonl", PRETRAIN)
    done = _run("--out", tmp_path / "out", "--run", run.parent, *arguments)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert says in line
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_whole_command_draws_four_small_pictures(tmp_path: Path):
    run = _write_lines(tmp_path / "demo" / "metrics.jsonl", PRETRAIN, EVALUATION, MGCA)
    out = tmp_path / "out"
    stage = f"+object={REPOSITORY / 'training' / 'assets' / 'demo.pt'}"
    done = _run("--out", out, "--run", run.parent, "--stage", stage, "--scenes", "8,compositions-0")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    files = sorted(path.name for path in out.iterdir())
    assert files == ["curves.png", "grid.png", "similarity.png", "units.png"]
    assert [Path(line.split()[0]).name for line in done.stdout.splitlines()] == [
        "units.png",
        "grid.png",
        "similarity.png",
        "curves.png",
    ]
    for name in files:
        assert (out / name).stat().st_size < 300_000
    grid = cv2.imread(str(out / "grid.png"))
    assert grid.shape[1] == 5 * (256 + GAP) + GAP  # image, baseline, +object, +units, truth
    sky = class_colors(["sky"])[0]
    assert (np.abs(grid.astype(int) - sky).sum(-1) <= 12).mean() > 0.005  # the truth at least


@pytest.mark.parametrize("slots", [3, 300])
def test_a_pixel_is_shown_in_its_unit_however_many_there_are(slots: int) -> None:
    """Slots beyond a byte used to be shown, and named, as others."""
    from benchmarks.figures.model_view import Sight

    assignment_uhw = np.zeros((slots, 2, 3), np.float32)
    assignment_uhw[slots - 1, :, 2] = assignment_uhw[0, :, :2] = 1.0
    nothing = np.zeros((4, 2, 3), np.float32)
    sight = Sight(nothing, nothing, np.zeros((slots, 4), np.float32), assignment_uhw)
    last = slots - 1
    assert sight.unit_map((3, 2)).tolist() == [[0, 0, last], [0, 0, last]]
    assert sight.unit_map((6, 2)).tolist() == [[0, 0, 0, 0, last, last]] * 2
