from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.bundle import (
    Bundle,
    load_bundle,
)
from runtime.errors import BundleError

AGAIN = "export it again with python -m export"


def with_external_weights(graph: bytes, location: str) -> tuple[bytes, bytes]:
    """The hand-made graph with the weights of its units moved to a file; both contents."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(graph)
    rows = next(item for item in model.graph.initializer if item.name == "unit_rows")
    weights = rows.raw_data
    rows.ClearField("raw_data")
    rows.data_location = onnx.TensorProto.EXTERNAL
    rows.external_data.add(key="offset", value="0")
    rows.external_data.add(key="location", value=location)
    return model.SerializeToString(), weights


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "beside.bin", "a\\b"])
def test_weights_from_elsewhere_are_refused(
    make_bundle: Callable[..., Bundle], graphs: Any, tmp_path: Path, location: str
) -> None:
    graph, weights = with_external_weights(graphs.segmenter(), location)
    (tmp_path / "secret.bin").write_bytes(weights)
    with pytest.raises(BundleError) as caught:
        make_bundle(files={"segmenter.onnx": graph})
    assert str(caught.value).endswith(
        f": segmenter.onnx reads weights from {location!r}, expected a file that manifest.json "
        f"lists; {AGAIN}"
    )


def test_weights_in_a_listed_file_are_read(make_bundle: Callable[..., Bundle], graphs: Any) -> None:
    from runtime.backends import open_backend

    graph, weights = with_external_weights(graphs.segmenter(), "segmenter.weights")
    bundle = make_bundle(files={"segmenter.onnx": graph, "segmenter.weights": weights})
    with open_backend(load_bundle(bundle.path), "onnxruntime-cpu") as backend:
        feeds = {"frame": np.zeros((1, 6, 8, 3), np.uint8), "text": np.eye(3, dtype=np.float32)}
        assert backend.run(feeds)["unit_scores"].tolist() == [[1, 0, 0], [0, 0, 1]]


def test_external_files_are_found_wherever_a_tensor_may_be(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from runtime.bundle.external_data import external_files

    def tensor(location: str) -> Any:
        made = onnx.TensorProto(name=location, dims=[1], data_type=onnx.TensorProto.FLOAT)
        made.data_location = onnx.TensorProto.EXTERNAL
        made.external_data.add(key="location", value=location)
        return made

    helper = onnx.helper
    inner = helper.make_graph([], "inner", [], [], [tensor("branch")])
    nodes = [
        helper.make_node("Constant", [], ["a"], value=tensor("constant")),
        helper.make_node("If", ["c"], ["b"], then_branch=inner, else_branch=inner),
    ]
    model = helper.make_model(helper.make_graph(nodes, "g", [], [], [tensor("weights")]))
    constant = helper.make_node("Constant", [], ["y"], value=tensor("function"))
    opset = helper.make_opsetid("", 18)
    model.functions.append(helper.make_function("own", "f", [], ["y"], [constant], [opset]))
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert external_files(path) == {"weights", "constant", "branch", "function"}
    whole = path.read_bytes()
    group = b"\x3b" + whole  # a wire type that protobuf gave up: some readers skip it
    for junk in (b"", b"\xff" * 40, b"\x3a\xff\xff\xff\x0f", whole[:-3], group, whole + b"\x08"):
        path.write_bytes(junk)
        with pytest.raises(ValueError, match=r"empty|not protobuf|longer|cut short"):
            external_files(path)


def test_a_graph_that_is_no_onnx_file(make_bundle: Callable[..., Bundle]) -> None:
    with pytest.raises(BundleError) as caught:
        make_bundle(files={"text_encoder.onnx": b"#!/bin/sh"})
    assert str(caught.value).endswith(
        f": text_encoder.onnx is not an ONNX file (not protobuf); {AGAIN}"
    )
