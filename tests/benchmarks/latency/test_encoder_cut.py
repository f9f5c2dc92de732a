"""Where a graph's encoder ends, told by the names of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.latency.encoder_cut import cut_encoder, encoder_ends
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.bundle import SEGMENTER_FILE, load_bundle
from runtime.demo import DEMO_BUNDLE

onnx = pytest.importorskip("onnx")

# op, inputs, output: two encoder layers, of which the decoder reads both and enlarges the last.
NODES = [
    ("Cast", ["frame"], "x"),
    ("MatMul", ["x", "model.encoder.a"], "early"),
    ("MatMul", ["early", "folded"], "inner"),
    ("Add", ["inner", "model.encoder.b"], "late"),
    ("Reshape", ["late", "shape"], "patches"),
    ("Resize", ["patches"], "enlarged"),
    ("Mul", ["early", "model.decoder.c"], "read"),
    ("Add", ["read", "patches"], "mixed"),
    ("Mul", ["mixed", "model.encoder.b"], "merged"),
    ("Add", ["merged", "enlarged"], "out"),
]


def graph_of(nodes: list[tuple[str, list[str], str]]) -> Any:
    made = [onnx.helper.make_node(kind, given, [output]) for kind, given, output in nodes]
    return onnx.helper.make_model(onnx.helper.make_graph(made, "g", [], []))


def test_it_ends_before_the_decoder_and_before_its_skip_path() -> None:
    assert encoder_ends(graph_of(NODES)) == ["early", "patches"]


def test_without_a_decoder_it_ends_before_what_enlarges_it() -> None:
    plain = [*NODES[:6], ("Mul", ["enlarged", "text"], "out")]
    assert encoder_ends(graph_of(plain)) == ["patches"]


def test_a_graph_without_such_names_has_no_end_that_is_known() -> None:
    nameless = [
        (kind, [one.removeprefix("model.") for one in given], out) for kind, given, out in NODES
    ]
    assert encoder_ends(graph_of(nameless)) == []


@pytest.mark.slow
def test_the_shipped_encoder_alone_says_what_it_says_inside(tmp_path: Path) -> None:
    bundle = load_bundle(DEMO_BUNDLE)
    path = tmp_path / "encoder.onnx"
    ends = cut_encoder(bundle, path)
    whole = onnx.load(str(bundle.path / SEGMENTER_FILE))
    whole.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ends
    )
    onnx.save(whole, str(tmp_path / "whole.onnx"))
    width, height = bundle.manifest.input.size_wh
    frame = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    text = bundle.vocabulary().embeddings[:3]
    with OnnxRuntimeBackend(path, "cpu") as alone:
        found = alone.run({"frame": frame})
    with OnnxRuntimeBackend(tmp_path / "whole.onnx", "cpu") as inside:
        expected = inside.run({"frame": frame, "text": text}, ends)
    for name in ends:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-4)
    weights = sum(int(np.prod(one.dims)) for one in onnx.load(str(path)).graph.initializer)
    costs = bundle.manifest.created_by["fp32_cost_at_20_words"]
    assert 4 * weights == pytest.approx(costs["encoder"]["weight_bytes"], rel=0.01)
