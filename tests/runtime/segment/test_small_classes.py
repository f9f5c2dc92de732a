"""Hysteresis: a small class that flickers stays, and what nothing supports goes."""

from __future__ import annotations

import numpy as np

from tests.support.score_stream import GRID_HW, STREET, ScoreStream, asked, scores_of


def small_class_shows(supported: list[bool], cells: int, margin: float = 0.02) -> list[float]:
    """The share of a square of cells that its class keeps, frame by frame.

    In frames that do not support it, it loses by ``margin`` where it had won by that.
    """
    stream = ScoreStream(asked([0, 255]), seconds=2.5e-4)  # hardly a mean
    square = np.zeros(GRID_HW, bool)
    square[20 : 20 + cells, 20 : 20 + cells] = True
    shares = []
    for support in supported:
        scores = scores_of(~square)
        scores[:, square] = [[margin if support else 0.0], [0.0 if support else margin]]
        labels = stream.show(scores, STREET, 1e-3).argmax(axis=0)
        shares.append(float((labels[square] == 0).mean()))
    return shares


def test_a_small_class_does_not_come_and_go() -> None:
    flickering = [True, False] * 5
    assert small_class_shows(flickering, cells=4) == [1.0] * 10
    # A ninth of the picture is left to its scores, and so is a class that loses clearly.
    assert small_class_shows(flickering, cells=20) == [1.0, 0.0] * 5
    assert small_class_shows(flickering, cells=4, margin=0.1) == [1.0, 0.0] * 5


def test_a_small_class_that_nothing_supports_goes() -> None:
    shares = small_class_shows([True] + [False] * 1000, cells=4)
    # 0.05 has faded to 0.02 after 0.92 seconds; the frames are a thousandth apart.
    assert shares[:900] == [1.0] * 900 and shares[930:] == [0.0] * 71
