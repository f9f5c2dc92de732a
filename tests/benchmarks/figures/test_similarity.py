"""Heat over a picture: one scale a word, red is hot."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.figures.similarity import heat_scale, lay_heat, lead_over_mean


def test_what_all_words_share_is_taken_off_a_words_cosine():
    shared_hw = np.array([[0.0, 0.5, -0.2]])
    own_khw = np.array([[[0.3, 0.0, 0.0]], [[0.0, 0.1, 0.0]], [[0.0, -0.1, 0.0]]])
    leads = lead_over_mean(shared_hw + own_khw, 1)
    np.testing.assert_allclose(leads, [[[0.3, 0.0, 0.0]]], atol=1e-12)


def test_one_words_pictures_share_one_scale_and_outliers_are_cut():
    hot, cold = np.array([[0.5, 0.9]]), np.array([[0.1, 0.3]])
    assert heat_scale([hot, cold], (0.0, 100.0)) == (0.1, 0.9)
    values = np.linspace(0.0, 1.0, 101)[None]
    assert heat_scale([values], (10.0, 90.0)) == pytest.approx((0.1, 0.9))


def _heat_color(lead: float, scale: tuple[float, float]) -> tuple[int, ...]:
    """RGB in the middle of a grey picture under one lead."""
    figure = Figure(figsize=(1, 1), dpi=40)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(np.full((8, 8, 3), 100, np.uint8))
    lay_heat(axes, np.full((2, 2), lead), scale, (8, 8))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return tuple(int(part) for part in np.asarray(canvas.buffer_rgba())[20, 20, :3])


def test_hot_is_red_and_cold_is_blue_over_the_picture():
    red, green, blue = _heat_color(0.95, (0.0, 1.0))
    assert red > blue and red > green
    red, green, blue = _heat_color(0.08, (0.0, 1.0))
    assert blue > red
    assert _heat_color(7.0, (0.0, 1.0)) == _heat_color(1.0, (0.0, 1.0))  # cut


def test_leads_that_are_all_equal_are_cold():
    scale = heat_scale([np.full((2, 2), 0.4)])
    assert _heat_color(0.4, scale) == _heat_color(0.0, (0.0, 1.0))
