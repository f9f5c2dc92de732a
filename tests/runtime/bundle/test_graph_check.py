"""What a graph may hold, described by harmless graphs: nothing here is given to an engine."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.bundle import Bundle, graph_check
from runtime.bundle.graph_check import check_graph
from runtime.errors import BundleError

onnx = pytest.importorskip("onnx")


def graph_of(node: Any, **constants: np.ndarray) -> Any:
    """A model of one node over an input x and constants."""
    helper = onnx.helper
    stored = [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 3])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        stored,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def refusal(model: Any, path: Path) -> str:
    """Why the model is refused; empty if it is not."""
    path.write_bytes(model.SerializeToString())
    try:
        check_graph(path, lambda location: None)
    except ValueError as error:
        return str(error)
    return ""


def node(operator: str, *inputs: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(operator, ["x", *inputs], ["y"], **attributes)


def whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


@pytest.mark.parametrize(
    ("made", "constants", "reason"),
    [
        (node("Relu"), {}, ""),
        (node("NonZero"), {}, "the operator 'NonZero', which no export writes"),
        (node("Relu", domain="own"), {}, "the operators of 'own'"),
        (node("Add", "nowhere"), {}, "reads 'nowhere', which nothing before it makes"),
        (node("Add", "y"), {}, "reads 'y', which nothing before it makes"),
        (node("Expand", "s"), {"s": whole(4, 2, 3)}, ""),
        (node("Expand", "s"), {"s": whole(8, 16)}, "asks for the shape"),
        (node("Reshape", "s"), {"s": whole(-1, 3)}, ""),
        (node("Reshape", "s"), {"s": whole(-2, 3)}, "asks for the shape"),
        (node("Pad", "s"), {"s": whole(0, 1, 0, 1 << 17)}, "asks for .* more"),
        (node("Div", "s"), {"s": np.zeros(1, np.float32)}, ""),
        (node("Div", "s"), {"s": whole(2)}, ""),
        (node("Div", "s"), {"s": whole(0)}, "divides by"),
        (node("Mod", "s"), {"s": np.ones(65, np.int64)}, "divides by s"),
        (node("MaxPool", kernel_shape=[2]), {}, ""),
        (node("MaxPool", kernel_shape=[2], strides=[0]), {}, r"strides \[0\], out of any use"),
        (node("MaxPool", kernel_shape=[2], pads=[1 << 17, 0]), {}, "pads"),
        (node("Identity", body=graph_of(node("Relu")).graph), {}, "a graph or a sparse tensor"),
    ],
)
def test_graphs_of_one_node(
    made: Any,
    constants: dict[str, np.ndarray],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graph_check, "ELEMENTS", 100)
    found = refusal(graph_of(made, **constants), tmp_path / "g.onnx")
    assert (found == "") if reason == "" else re.search(reason, found)


def test_a_tensor_holds_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    model = graph_of(node("Add", "w"), w=np.ones(3, np.float32))
    tensor = model.graph.initializer[0]
    assert refusal(model, path) == ""
    tensor.dims[0] = 4
    assert refusal(model, path) == "tensor 'w' does not hold the 16 bytes of its shape"
    tensor.dims[0] = -1
    assert refusal(model, path) == "tensor 'w' has the shape [-1]"
    tensor.dims[0], tensor.data_type = 3, onnx.TensorProto.STRING
    assert refusal(model, path) == "tensor 'w' is of type 8"
    tensor.data_type = onnx.TensorProto.FLOAT
    tensor.ClearField("raw_data")
    tensor.float_data.extend([1, 2])
    assert refusal(model, path) == "tensor 'w' does not hold the 3 values of its shape"
    tensor.float_data.append(3)
    assert refusal(model, path) == ""


@pytest.mark.parametrize(
    ("offset", "length", "passes"),
    [("0", "12", True), ("4", "12", True), ("8", "12", False), ("-1", "12", False),
     ("0", "8", False), ("0", "x", False)],
)  # fmt: skip
def test_weights_lie_within_their_file(
    offset: str, length: str, passes: bool, tmp_path: Path
) -> None:
    model = graph_of(node("Add", "w"), w=np.ones(3, np.float32))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": "w.bin", "offset": offset, "length": length}.items():
        tensor.external_data.add(key=key, value=value)
    path = tmp_path / "g.onnx"
    path.write_bytes(model.SerializeToString())
    sizes = {"w.bin": 16}
    if passes:
        check_graph(path, sizes.get)
    else:
        with pytest.raises(ValueError, match="weights 'w'"):
            check_graph(path, sizes.get)


def test_a_file_holds_one_graph_and_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    model = graph_of(node("Relu"))
    path.write_bytes(model.SerializeToString() * 2)  # protobuf would merge the two
    with pytest.raises(ValueError, match="2 graphs, expected one"):
        check_graph(path, lambda location: None)
    inner = onnx.helper.make_node("Relu", ["x"], ["y"])
    opset = onnx.helper.make_opsetid("", 18)
    model.functions.append(onnx.helper.make_function("own", "f", ["x"], ["y"], [inner], [opset]))
    assert refusal(model, path) == "it holds functions or training steps of its own"
    del model.functions[:]
    model.opset_import.append(onnx.helper.make_opsetid("pkg.left.over", 1))  # no node asks for it
    assert refusal(model, path) == ""
    model.opset_import[0].version = 65
    assert refusal(model, path) == "operator set 65, expected at most 64"
    model.opset_import[0].version = 18
    one = onnx.helper.make_attribute("value", onnx.numpy_helper.from_array(whole(1)))
    twice = one.SerializeToString() * 2
    relu = model.graph.node[0].SerializeToString() + b"\x2a" + bytes([len(twice)]) + twice
    model.graph.ClearField("node")
    graph = model.graph.SerializeToString() + b"\x0a" + bytes([len(relu)]) + relu
    path.write_bytes(b"\x3a" + bytes([len(graph)]) + graph)
    with pytest.raises(ValueError, match="Relu has 2 tensors in value"):
        check_graph(path, lambda location: None)


def test_a_bundle_with_such_a_graph_is_refused(
    make_bundle: Callable[..., Bundle],
) -> None:
    with pytest.raises(BundleError) as caught:
        make_bundle(files={"text_encoder.onnx": graph_of(node("NonZero")).SerializeToString()})
    assert str(caught.value).endswith(
        ": text_encoder.onnx is not a graph that a bundle may hold (it holds the operator "
        "'NonZero', which no export writes); export it again with python -m export"
    )
