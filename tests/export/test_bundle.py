"""What comes out of a real export of a tiny model: the bundles, one a precision."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

pytestmark = pytest.mark.slow  # one export for all of them

from runtime.bundle import load_bundle  # noqa: E402
from runtime.errors import BundleError  # noqa: E402
from runtime.segment.segmenter import Segmenter  # noqa: E402


def test_the_runtime_runs_it(bundle: Path, pictures: Path) -> None:
    with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
        segmenter.set_classes("sky,car=car|van", background="none")
        result = segmenter(cv2.imread(str(pictures / "0.png")))
    assert result.labels.shape == (120, 160)
    assert set(np.unique(result.labels)) <= {0, 1}


def test_a_new_word_is_encoded_on_the_device_as_at_export(bundle: Path) -> None:
    with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
        vocabulary = segmenter.text_embedder.vocabulary
        assert vocabulary.names[:6] == ("sky", "road", "car", "van", "tree", "purple bus")
        # The background's words follow, so that no start has to encode them.
        assert set(segmenter.manifest.background_words) <= set(vocabulary.names)
        rows = segmenter.text_embedder.embed(["a small dog", "another"], allow_unknown=True)
        assert rows.shape == (2, vocabulary.embedding_width)
        from runtime.text.encoder import TextEncoder
        from runtime.text.prompting import embed_names

        encoder = TextEncoder(segmenter.bundle)
        prompts = segmenter.manifest.templates.prompts
        rows = embed_names(vocabulary.names, prompts, encoder.encode, vocabulary.text_center)
        encoder.close()
        assert (rows * vocabulary.embeddings).sum(axis=1).min() > 0.999


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_manifest_tells_what_was_measured(bundle: Path, precision: str) -> None:
    folder = bundle if precision == "fp32" else bundle.with_name(f"{bundle.name}-{precision}")
    manifest = load_bundle(folder).manifest
    assert manifest.precision == manifest.parity["precision"] == precision
    assert manifest.input.size_wh == (96, 64)
    assert manifest.output.grid_wh == (48, 32)
    stages = manifest.parity["stages"]
    assert list(stages) == ["encoder", "decoder", "units"]
    for stage, (columns, rows) in (("encoder", (12, 8)), ("decoder", (48, 32))):
        far = stages[stage]["farthest"]
        assert 0 <= far["row"] < rows and 0 <= far["column"] < columns
        assert far["max_abs"] > 0.0
    least = {"fp32": 0.999999, "fp16": 0.9999, "int8": 0.99}[precision]
    assert all(stage["mean"] >= least for stage in stages.values())
    assert manifest.created_by["opset"] <= 20
    products = manifest.products["segmenter.onnx"]
    text = manifest.products["text_encoder.onnx"]
    kind = {"fp32": "fp32", "fp16": "half", "int8": "quantised"}[precision]
    assert products[kind] > 10 and text[kind] > 5
    assert (products["half"] > 0) == (kind == "half")
    assert (products["quantised"] > 0) == (kind == "quantised")
    cost = manifest.created_by["fp32_cost_at_20_words"]
    assert cost["encoder"]["flops"] > cost["decoder"]["flops"] > 0


def test_smaller_types_make_smaller_graphs(bundle: Path) -> None:
    sizes = [
        (folder / "segmenter.onnx").stat().st_size
        for folder in (bundle, *(bundle.with_name(f"{bundle.name}-{p}") for p in ("fp16", "int8")))
    ]
    assert sizes[1] < 0.6 * sizes[0]
    # Dynamic int8 is for matrix products: the stem's convolutions (a third of the weights) stay.
    assert sizes[2] < 0.65 * sizes[0]


def test_half_ends_before_the_units_and_the_words(bundle: Path) -> None:
    """A merge of units is a threshold: what it compares, and all that follows, stays in fp32."""
    model = onnx.load(str(bundle.with_name(f"{bundle.name}-fp16") / "segmenter.onnx"))
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = [*inferred.input, *inferred.value_info, *inferred.output]
    type_of = {value.name: value.type.tensor_type.elem_type for value in values}
    half = onnx.TensorProto.FLOAT16
    products = [node for node in model.graph.node if node.op_type == "MatMul"]
    assert sum(type_of[node.output[0]] == half for node in products) > len(products) / 3
    choices = [node for node in model.graph.node if node.op_type == "ArgMax"]
    assert len(choices) == 3  # of either round of merging, and of the pixels
    assert all(type_of[node.input[0]] == onnx.TensorProto.FLOAT for node in choices)
    reached = {"text", *(node.output[0] for node in choices)}
    for node in model.graph.node:
        if reached & set(node.input):
            reached |= set(node.output)
    assert {"class_scores", "pixel_scores"} <= reached
    assert not [name for name in reached if type_of.get(name) == half]


def test_nothing_of_this_machine_is_in_the_files(bundle: Path, repository: Path) -> None:
    for path in bundle.iterdir():
        content = path.read_bytes()
        assert os.fsencode(repository) not in content, path.name
        assert b"site-packages" not in content, path.name


def test_graph_holds_only_what_engines_take(bundle: Path) -> None:
    model = onnx.load(str(bundle / "segmenter.onnx"))
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {"If", "Loop", "Scan", "NonZero", "ScatterND", "ScatterElements", "Einsum"}
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert not [node for node in model.graph.node if node.op_type == "Resize" and node.attribute
                and any(a.name == "mode" and a.s == b"cubic" for a in node.attribute)]  # fmt: skip
    # TensorRT takes a uint8 input into a Cast and nothing else.
    assert {node.op_type for node in model.graph.node if "frame" in node.input} == {"Cast"}
    assert "BatchNormalization" not in kinds
    frame, text = model.graph.input
    assert [axis.dim_value for axis in frame.type.tensor_type.shape.dim] == [1, 64, 96, 3]
    assert text.type.tensor_type.shape.dim[0].dim_param == "K"


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_nothing_is_computed_from_weights_alone_or_stored_twice(
    bundle: Path, precision: str
) -> None:
    folder = bundle if precision == "fp32" else bundle.with_name(f"{bundle.name}-{precision}")
    graph = onnx.load(str(folder / "segmenter.onnx")).graph
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    unfolded = [n.name for n in graph.node if n.input and set(filter(None, n.input)) <= constants]
    assert unfolded == []
    stored = Counter(
        (tensor.data_type, tuple(tensor.dims), onnx.numpy_helper.to_array(tensor).tobytes())
        for tensor in graph.initializer
        if len(tensor.dims) > 1
    )
    assert [key[:2] for key, count in stored.items() if count > 1] == []


@pytest.mark.parametrize("count", [1, 7, 1024])
def test_any_number_of_words(bundle: Path, count: int) -> None:
    with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
        text = np.random.default_rng(0).normal(size=(count, 128)).astype(np.float32)
        frame = np.zeros((1, 64, 96, 3), np.uint8)
        outputs = segmenter.backend.run({"frame": frame, "text": text})
    assert outputs["class_scores"].shape == (1, count, 32, 48)
    assert outputs["unit_scores"].shape[1] == count


def test_a_changed_file_is_noticed(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    content = bytearray((copy / "segmenter.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "segmenter.onnx").write_bytes(content)
    with pytest.raises(BundleError, match=r"segmenter\.onnx has changed"):
        load_bundle(copy)
