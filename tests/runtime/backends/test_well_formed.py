"""A graph whose types do not fit is refused before a library that does not look gets it."""

from __future__ import annotations

from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

from runtime.backends.onnxruntime.well_formed import expect_well_formed  # noqa: E402
from runtime.errors import BundleError  # noqa: E402


def write_sum(path: Path, second: int) -> Path:
    """``a + b``, both of three numbers, the first float32."""
    values = [
        helper.make_tensor_value_info(name, kind, [3])
        for name, kind in (("a", TensorProto.FLOAT), ("b", second), ("c", TensorProto.FLOAT))
    ]
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"])], "sum", values[:2], values[2:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def test_types_that_fit_pass(tmp_path: Path) -> None:
    expect_well_formed(write_sum(tmp_path / "a.onnx", TensorProto.FLOAT))


def test_types_that_do_not_fit_are_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"a\.onnx does not hold together \(.*different types"):
        expect_well_formed(write_sum(tmp_path / "a.onnx", TensorProto.INT64))


def test_openvino_gets_no_such_graph(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    from runtime.backends.openvino import OpenVinoBackend

    with pytest.raises(BundleError, match="does not hold together"):
        OpenVinoBackend(write_sum(tmp_path / "a.onnx", TensorProto.INT64))
