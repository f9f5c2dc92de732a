"""The graph by which providers and devices are tried: it is what it says, and an engine's is."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.doctor import onnx_runtime, openvino_devices
from runtime.doctor.tiny_graph import describe_answer, tiny_graph


def test_the_file_is_the_one_that_is_described() -> None:
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    shapes = {"x": [1, 1, 4, 4], "w": [1, 1, 3, 3], "y": [1, 1, 2, 2]}
    value = {name: helper.make_tensor_value_info(name, kind, shapes[name]) for name in shapes}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("MatMul", ["c", "c"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "tiny", [value["x"], value["w"]], [value["y"]])
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8, producer_name="mgca")
    assert model == onnx.load_from_string(tiny_graph())


def test_an_engine_that_computes_wrongly_is_told() -> None:
    assert describe_answer({"y": np.full((1, 1, 2, 2), 162.0, np.float16)}) is None
    wrong = describe_answer({"y": np.zeros((1, 1, 2, 2), np.float32)})
    assert wrong == "it computes [0.0, 0.0, 0.0, 0.0] where 162 is right"
    assert describe_answer({"y": np.full((1, 1, 2, 2), np.nan)}) is not None


def test_the_processors_provider_computes() -> None:
    (found,) = onnx_runtime.try_provider("CPUExecutionProvider")
    assert (found.state, found.detail) == ("ok", "loads and computes")


def test_a_provider_that_is_not_there_is_broken() -> None:
    (found,) = onnx_runtime.try_provider("ROCMExecutionProvider")
    assert found.state == "broken"


@pytest.mark.slow
def test_openvinos_device_computes() -> None:
    pytest.importorskip("openvino")
    (found,) = openvino_devices.try_device("CPU")
    assert found.state == "ok" and "FP32" in found.values["capabilities"]
