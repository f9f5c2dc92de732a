"""int8 on a graph of two linear layers with a product of activations between."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from export.precision.quantize import quantize_matmuls, quantize_with_ranges  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random  # noqa: E402

STAGES = {"first": "encoder.mlp", "mix": "encoder.attention", "second": "scores"}


def _model():
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="first"),
        helper.make_node("MatMul", ["a", "a"], ["b"], name="mix"),
        helper.make_node("MatMul", ["b", "v"], ["y"], name="second"),
    ]
    return make_model(nodes, {"w": random(8, 6), "v": random(6, 5)}, (6, 8))


def _run(model, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def _close(model, quantised) -> bool:
    x = random(6, 8)
    expected, found = _run(model, x), _run(quantised, x)
    return float(np.abs(expected - found).max()) < 0.05 * float(np.abs(expected).max())


def test_dynamic_quantises_weights_of_the_chosen_stages_only(tmp_path: Path) -> None:
    model = _model()
    quantised, stages = quantize_matmuls(model, STAGES, ("scores",), tmp_path)
    assert kinds(quantised)["MatMulInteger"] == 1
    assert kinds(quantised)["MatMul"] == 2
    assert set(stages) == {node.name for node in quantised.graph.node}
    integer = next(node for node in quantised.graph.node if node.op_type == "MatMulInteger")
    assert stages[integer.name] == "encoder.mlp"
    assert _close(model, quantised)
    assert kinds(model) == {"MatMul": 3}


def test_ranges_give_pairs_around_weighted_products(tmp_path: Path) -> None:
    model = _model()
    feeds = [{"x": random(6, 8)} for _ in range(2)]
    quantised, stages = quantize_with_ranges(model, STAGES, ("scores",), feeds, tmp_path)
    found = kinds(quantised)
    assert found["MatMul"] == 3
    assert found["QuantizeLinear"] >= 1
    assert found["DequantizeLinear"] >= 2
    stored = {t.name: t.data_type for t in quantised.graph.initializer if t.dims}
    assert onnx.TensorProto.INT8 in stored.values()
    assert stored["v"] == onnx.TensorProto.FLOAT
    assert set(stages) == {node.name for node in quantised.graph.node}
    assert _close(model, quantised)


def test_nothing_left_to_quantise(tmp_path: Path) -> None:
    quantised, _ = quantize_matmuls(_model(), STAGES, ("scores", "encoder"), tmp_path)
    assert kinds(quantised) == {"MatMul": 3}


@pytest.mark.parametrize("ranged", [False, True])
def test_files_lie_in_the_work_folder_alone(
    ranged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's temporary folder may be too small for weights; here it takes nothing at all."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    if ranged:
        quantize_with_ranges(_model(), STAGES, ("scores",), [{"x": random(6, 8)}], work)
    else:
        quantize_matmuls(_model(), STAGES, ("scores",), work)
    assert tempfile.tempdir == str(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == [work] and not list(work.iterdir())
