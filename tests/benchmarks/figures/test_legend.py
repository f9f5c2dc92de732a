"""Legends name what is there, and nothing of them is cut off."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from benchmarks.figures.legend import class_handles, place_legend, present_classes


def test_the_legend_names_what_is_there_and_no_label_last():
    maps = [np.array([[2, 2]], np.uint8), np.array([[0, 255]], np.uint8)]
    names = [name for name, _ in present_classes(("sky", "car", "road"), maps)]
    assert names == ["sky", "road", "no label"]
    sliver = np.zeros((100, 100), np.uint8)
    sliver[0, 0] = 1
    assert [name for name, _ in present_classes(("sky", "car"), [sliver])] == ["sky"]


def _columns(names: list[str], width: float) -> int:
    """How many columns a legend of these names takes; checks that it is whole and fits."""
    figure = Figure(figsize=(width / 100, 4), dpi=100, layout="constrained")
    figure.subplots()
    swatches, names = class_handles([(name, (0, 0, 200)) for name in names])
    legend = place_legend(figure, swatches, names, width, loc="outside lower left")
    assert legend is not None
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    assert 0 <= box.x0 and box.x1 <= width + 1
    assert 0 <= box.y0 and box.y1 <= figure.bbox.height
    shown = ["".join(text.get_text().split()) for text in legend.get_texts()]
    assert shown == ["".join(name.split()) for name in names]
    return legend._ncols


@pytest.mark.parametrize(
    ("names", "width", "most", "least"),
    [
        ([f"name {i}" for i in range(6)], 1200, 6, 6),
        ([f"name {i}" for i in range(6)], 300, 3, 2),
        (["a name of " + 30 * "several words "], 500, 1, 1),
        (["x" * 100, "_hidden by matplotlib", "b"], 500, 2, 1),
    ],
)
def test_a_legend_takes_as_many_lines_as_it_needs(
    names: list[str], width: int, most: int, least: int
):
    assert least <= _columns(names, width) <= most
