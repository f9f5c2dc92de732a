"""Graphs that declare one thing and compute another, or nothing: the bundle's fault, in a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime import Segmenter
from runtime.backends.contract import expect_results
from runtime.bundle import Bundle
from runtime.errors import BundleError, MgcaError

onnx = pytest.importorskip("onnx")
FRAME = np.zeros((6, 8, 3), np.uint8)


def changed(graph: bytes, reader: str, number: int, values: list[int]) -> bytes:
    """The hand-made graph, whose node that makes ``reader`` gets another second input.

    That is the old one times ``number``, plus ``values``, plus the frame's largest value, so that
    nobody can tell it without running the graph; sides of outputs are left open.
    """
    model = onnx.load_from_string(graph)
    node = onnx.helper.make_node
    place = next(at for at, one in enumerate(model.graph.node) if reader in one.output)
    old = model.graph.node[place].input[1]
    made = [
        node("ReduceMax", ["float_frame"], ["largest"], keepdims=0),
        node("Cast", ["largest"], ["black"], to=onnx.TensorProto.INT64),
        node("Cast", [old], ["whole"], to=onnx.TensorProto.INT64),
        node("Mul", ["whole", "kept"], ["told"]),
        node("Add", ["told", "black"], ["before"]),
        node("Add", ["before", "more"], ["other"]),
    ]
    model.graph.node[place].input[1] = "other"
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*rest[:place], *made, *rest[place:]])
    for name, array in {"kept": number, "more": values}.items():
        stored = onnx.numpy_helper.from_array(np.array(array, np.int64), name)
        model.graph.initializer.append(stored)
    for output in model.graph.output:
        for axis, side in enumerate(output.type.tensor_type.shape.dim):
            side.Clear()
            side.dim_param = f"{output.name}_{axis}"
    serialized: bytes = model.SerializeToString()
    return serialized


def segment(bundle: Bundle) -> Any:
    with Segmenter.load(bundle, "onnxruntime-cpu", threads=1) as segmenter:
        segmenter.set_classes("red,green", background="none")
        return segmenter(FRAME)


def test_scores_on_another_grid_than_the_manifests(
    make_bundle: Callable[..., Bundle], graphs: Any
) -> None:
    graph = changed(graphs.segmenter(), "class_scores", 0, [1, -1, 4, 3])
    with pytest.raises(BundleError, match=r"came as float32 \(1, 2, 4, 3\), expected float32 \(1"):
        segment(make_bundle(files={"segmenter.onnx": graph}))


def test_a_graph_that_cannot_run_at_all(make_bundle: Callable[..., Bundle], graphs: Any) -> None:
    graph = changed(graphs.segmenter(), "by_pixel", 1, [100])
    with pytest.raises(BundleError, match=r"segmenter\.onnx does not run \(the graph failed on"):
        segment(make_bundle(files={"segmenter.onnx": graph}))


def test_a_graph_that_has_run_and_fails_later_is_no_bad_bundle(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise MgcaError("the device is gone")

    with Segmenter.load(bundle, "onnxruntime-cpu", threads=1) as segmenter:
        segmenter.set_classes("red,green", background="none")
        segmenter(FRAME)
        monkeypatch.setattr(segmenter.backend, "run", fail)
        with pytest.raises(MgcaError, match="the device is gone") as caught:
            segmenter(FRAME)
    assert not isinstance(caught.value, BundleError) and caught.value.exit_code == 1


def test_results_of_another_type(bundle: Bundle) -> None:
    whole = np.zeros((1, 3, 4), np.int32)
    expect_results({"unit_of_pixel": whole}, bundle, 2)
    with pytest.raises(BundleError, match=r"unit_of_pixel came as int64 \(1, 3, 4\), expected"):
        expect_results({"unit_of_pixel": whole.astype(np.int64)}, bundle, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_encoder_of_what_is_no_number(
    make_bundle: Callable[..., Bundle], graphs: Any, value: float
) -> None:
    model = onnx.load_from_string(graphs.text_encoder())
    table = next(one for one in model.graph.initializer if one.name == "table")
    broken = np.full((4096, 3), value, np.float32)
    table.CopyFrom(onnx.numpy_helper.from_array(broken, "table"))
    bundle = make_bundle(files={"text_encoder.onnx": model.SerializeToString()})
    with Segmenter.load(bundle, "onnxruntime-cpu", threads=1) as segmenter:
        with pytest.raises(BundleError, match=r"text_encoder\.onnx gives .*, expected finite"):
            segmenter.set_classes("bus", background="none")


def test_an_encoder_with_fewer_tokens_than_the_tokenizer(
    make_bundle: Callable[..., Bundle], graphs: Any
) -> None:
    model = onnx.load_from_string(graphs.text_encoder())
    table = next(one for one in model.graph.initializer if one.name == "table")
    table.CopyFrom(onnx.numpy_helper.from_array(np.ones((9, 3), np.float32), "table"))
    bundle = make_bundle(files={"text_encoder.onnx": model.SerializeToString()})
    with Segmenter.load(bundle, "onnxruntime-cpu", threads=1) as segmenter:
        with pytest.raises(BundleError, match=r"text_encoder\.onnx does not run: the graph failed"):
            segmenter.set_classes("bus", background="none")
