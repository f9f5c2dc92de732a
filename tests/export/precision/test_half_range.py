"""Which values half precision cannot hold, on graphs of a few nodes with magnitudes known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from export.graph.rewrites.convert_to_half import convert_to_half  # noqa: E402
from export.graph.staged_graph import StagedGraph  # noqa: E402
from export.precision.half_range import find_beyond_half, measure_magnitudes  # noqa: E402
from runtime.errors import MgcaError  # noqa: E402
from tests.export.small_graphs import make_model, run  # noqa: E402

STAGES = {"up": "encoder.mlp", "turn": "encoder.mlp", "down": "encoder.mlp", "last": "decoder"}


def _graph(largest: float) -> StagedGraph:
    """X (ones) -> up: ``largest`` everywhere -> turn -> down: 1 everywhere -> last: 3."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="up"),
        helper.make_node("Transpose", ["a"], ["b"], name="turn", perm=[1, 0]),
        helper.make_node("MatMul", ["b", "v"], ["c"], name="down"),
        helper.make_node("MatMul", ["c", "u"], ["y"], name="last"),
    ]
    weights = {
        "w": np.full((4, 3), largest / 4, np.float32),
        "v": np.full((2, 3), 0.5 / largest, np.float32),
        "u": np.ones((3, 5), np.float32),
    }
    return StagedGraph(make_model(nodes, weights, (2, 4)), STAGES)


def _measured(graph: StagedGraph, folder: Path) -> dict[str, float]:
    feeds = [{"x": np.full((2, 4), sign, np.float32)} for sign in (0.5, -1.0, 0.25)]
    found = measure_magnitudes(graph.model, feeds, folder / "probe.onnx")
    assert not list(folder.iterdir())
    return found


def test_magnitudes_are_the_largest_over_all_inputs(tmp_path: Path) -> None:
    found = _measured(_graph(1000.0), tmp_path)
    assert found == pytest.approx(
        {"w": 250, "v": 0.0005, "u": 1, "x": 1, "a": 1000, "b": 1000, "c": 1, "y": 3}
    )


@pytest.mark.parametrize(("largest", "fits"), [(32000.0, True), (33000.0, False), (2e5, False)])
def test_values_count_from_half_of_the_largest_half_on(largest, fits, tmp_path: Path) -> None:
    graph = _graph(largest)
    found = find_beyond_half(graph, _measured(graph, tmp_path), ())
    assert (not found.beyond) is fits
    assert found.largest == pytest.approx(largest)


def test_makers_and_readers_stay_in_fp32_and_the_values_survive(tmp_path: Path) -> None:
    graph = _graph(2e5)
    found = find_beyond_half(graph, _measured(graph, tmp_path), ())
    assert found.beyond == pytest.approx({"up": 2e5, "turn": 2e5})
    assert found.keep == {"up", "turn", "down"}
    x = np.ones((2, 4), np.float32)
    results = {}
    for kept in ((), found.keep):
        model, stages = onnx.ModelProto(), dict(STAGES)
        model.CopyFrom(graph.model)
        assert "last" in convert_to_half(model, stages, (), kept)
        with np.errstate(over="ignore", invalid="ignore"):
            results[bool(kept)] = run(model, x)[0]
    assert not np.isfinite(results[False]).any()
    np.testing.assert_allclose(results[True], 3.0, rtol=1e-3)


def test_stages_that_are_fp32_anyway_do_not_count(tmp_path: Path) -> None:
    graph = _graph(2e5)
    found = find_beyond_half(graph, _measured(graph, tmp_path), ("encoder.mlp",))
    assert not found.beyond and not found.keep
    assert found.largest == pytest.approx(3.0)


def test_a_weight_that_half_cannot_hold_counts_too() -> None:
    """Weights are known: they count from the largest half itself on, as their readers."""
    graph = _graph(1.0)
    fits = dict.fromkeys("wvuxabcy", 1.0)
    assert not find_beyond_half(graph, {**fits, "u": 65504.0}, ()).beyond
    found = find_beyond_half(graph, {**fits, "u": 65505.0}, ())
    assert found.beyond == {"last": 65505.0}
    assert found.keep == {"last"}


def test_what_is_said(tmp_path: Path, capsys) -> None:
    graph = _graph(2e5)
    found = find_beyond_half(graph, _measured(graph, tmp_path), ())
    with pytest.raises(MgcaError, match=r"fp16: 2 nodes .* up \(encoder.mlp\) 2e\+05.*--auto-fall"):
        found.admit("fp16", keeps=False)
    assert found.admit("fp16", keeps=True) == found.keep
    assert "they stay in fp32" in capsys.readouterr().err
    everything = find_beyond_half(graph, dict.fromkeys("wvuxabcy", 1e5), ())
    with pytest.raises(MgcaError, match="would leave nothing else: ask for fp32"):
        everything.admit("fp16", keeps=True)
