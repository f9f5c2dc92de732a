"""The lines of a run and of several, and what is drawn of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from benchmarks.figures.curves import draw_curves, loss_lines, smooth
from benchmarks.figures.metrics_log import read_metrics
from tests.benchmarks.figures.run_logs import (
    EVALUATION,
    MGCA,
    PRETRAIN,
    write_lines,
)


def test_one_run_shows_its_terms_and_several_their_sums(tmp_path: Path):
    one = read_metrics(write_lines(tmp_path / "one" / "metrics.jsonl", PRETRAIN, MGCA))
    two = read_metrics(write_lines(tmp_path / "two" / "metrics.jsonl", PRETRAIN))
    assert list(loss_lines([one], "pretrain")) == ["sum of all", "caption"]
    assert loss_lines([one, two], "pretrain") == {"one": [(10, 5.0)], "two": [(10, 5.0)]}
    assert list(loss_lines([one, two], "mgca")) == ["one"]
    assert list(loss_lines([one, one], "mgca")) == ["one (1)", "one (2)"]


def test_lines_go_through_their_points_and_all_are_named(tmp_path: Path):
    steep = [{**PRETRAIN, "step": step, "loss": 100.0 / step} for step in range(10, 1000, 10)]
    run = read_metrics(write_lines(tmp_path / "a" / "metrics.jsonl", *steep, EVALUATION, MGCA))
    figure = draw_curves([run])
    losses, decoder, _, mious = figure.axes
    raw, mean = losses.lines[0], losses.lines[1]
    assert raw.get_xydata().tolist() == [[step, 100.0 / step] for step in range(10, 1000, 10)]
    assert len(mean.get_ydata()) == len(steep)
    assert np.ptp(mean.get_ydata()) < np.ptp(raw.get_ydata())
    assert [text.get_text() for text in losses.get_legend().get_texts()] == [
        "sum of all",
        "caption",
    ]
    assert decoder.lines[0].get_xydata().tolist() == [[10, 2.5]]
    assert {tuple(line.get_xydata()[0]) for line in mious.lines} == {(0, 25.0), (0, 20.0)}
    assert losses.get_ylim()[0] == 0.0


def test_a_phase_without_a_measurement_says_so_and_every_legend_lies_inside(tmp_path: Path):
    logs = [tmp_path / name / "metrics.jsonl" for name in ("x" * 90, "_b", "c" * 50)]
    figure = draw_curves([read_metrics(write_lines(path, PRETRAIN)) for path in logs])
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend()
    assert len(legend.get_texts()) == 3
    box = legend.get_window_extent()
    half = figure.bbox.width / 2
    assert 0 <= box.x0 and box.x1 <= half
    assert [text.get_text() for text in figure.axes[1].texts] == ["nothing measured yet"]


def test_a_running_mean_keeps_length_and_level():
    assert smooth([2.0] * 5, 3).tolist() == [2.0] * 5
    assert smooth([1.0, 5.0], 1).tolist() == [1.0, 5.0]
