"""int8 on a graph of two linear layers with a product of activations between."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import helper, numpy_helper  # noqa: E402

from export.precision.quantize import quantize_matmuls, quantize_with_ranges  # noqa: E402
from tests.export.small_graphs import kinds, make_model, random  # noqa: E402

_ONES = {"x": np.ones((1, 3, 4, 6), np.float32)}
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


def _mixed():
    """Input (1, 3, 4, 6), a convolution, a depthwise one, a product and a transposed Gemm."""
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["a"], name="conv"),
        helper.make_node("Conv", ["a", "d"], ["b"], name="depthwise", group=7, pads=[1, 1, 1, 1]),
        helper.make_node("MatMul", ["b", "w"], ["c"], name="product"),
        helper.make_node("Reshape", ["c", "s"], ["e"], name="flat"),
        helper.make_node("Gemm", ["e", "g"], ["y"], name="gemm", transB=1),
    ]
    weights = {"k": random(7, 3, 1, 1), "d": random(7, 1, 3, 3), "w": random(6, 5)}
    weights |= {"s": np.array([28, 5]), "g": random(2, 5)}
    return make_model(nodes, weights, (1, 3, 4, 6)), {node.name: "decoder" for node in nodes}


def _scales_of_weights(model) -> dict[str, list[int]]:
    """The shape of the scale of each weight that is stored as int8, by the weight's own name
    (ONNX Runtime 1.32 calls one that it had to turn ``NAME_Transposed``).
    """
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    ending = "_quantized"
    names = [name[: -len(ending)] for name in shapes if name.endswith(ending)]
    return {name.removesuffix("_Transposed"): shapes[f"{name}_scale"] for name in names}


def test_every_quantised_weight_has_a_scale_a_channel(tmp_path: Path) -> None:
    """The output's channels: rows of a convolution's weight, columns of a product's.

    Seen with ONNX Runtime 1.31.1, whose quantize_dynamic gives Conv one scale a tensor.
    """
    model, stages = _mixed()
    quantised, _ = quantize_matmuls(model, stages, (), tmp_path)
    assert _scales_of_weights(quantised) == {"w": [5], "g": [2]}
    assert kinds(quantised)["Conv"] == 2 and "ConvInteger" not in kinds(quantised)
    quantised, _ = quantize_with_ranges(model, stages, (), [{"x": random(1, 3, 4, 6)}], tmp_path)
    assert _scales_of_weights(quantised) == {"k": [7], "d": [7], "w": [5], "g": [2]}


def test_channels_of_very_different_size_survive(tmp_path: Path) -> None:
    """One scale for both channels would round the small one's weights to zero."""
    kernel = np.ones((2, 3, 1, 1), np.float32) * np.array([[[[1000.0]]], [[[0.01]]]], np.float32)
    node = helper.make_node("Conv", ["x", "k"], ["y"], name="conv")
    model = make_model([node], {"k": kernel}, (1, 3, 4, 6))
    for quantise, rest in ((quantize_matmuls, ()), (quantize_with_ranges, ([_ONES],))):
        quantised, _ = quantise(model, {"conv": "decoder"}, (), *rest, tmp_path)
        stored = {t.name: numpy_helper.to_array(t) for t in quantised.graph.initializer}
        weight = stored.get("k", stored.get("k_quantized"))
        assert np.abs(weight.reshape(2, -1)).min(axis=1).all()


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
