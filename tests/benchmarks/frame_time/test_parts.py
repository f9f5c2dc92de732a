"""Which part of the model a node belongs to, on graphs made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.frame_time.parts import DECODER, ENCODER, UNITS, Cuts, assign_nodes, find_cuts
from runtime.errors import UserError

onnx = pytest.importorskip("onnx")

# op, inputs, output, part: the units read the frame's colors too, and the decoder's weights end
# before the decoder does.
NODES = [
    ("Cast", ["frame"], "colors", ENCODER),
    ("Transpose", ["text"], "words", UNITS),
    ("MatMul", ["colors", "model.encoder.a"], "patches", ENCODER),
    ("AveragePool", ["colors"], "small", DECODER),
    ("Conv", ["small", "model.decoder.look"], "seen", DECODER),
    ("Conv", ["patches", "model.decoder.spread"], "spread", DECODER),
    ("AveragePool", ["colors"], "tints", UNITS),
    ("Resize", ["patches"], "enlarged", DECODER),
    ("Add", ["spread", "seen"], "sum", DECODER),
    ("Add", ["sum", "enlarged"], "mixed", DECODER),
    ("Sqrt", ["mixed"], "length", DECODER),
    ("Div", ["mixed", "length"], "embeddings", DECODER),
    ("Concat", ["embeddings", "tints"], "space", UNITS),
    ("Softmax", ["space"], "assigned", UNITS),
    ("MatMul", ["assigned", "embeddings"], "means", UNITS),
    ("MatMul", ["means", "words"], "unit_scores", UNITS),
    ("MatMul", ["embeddings", "words"], "pixel_scores", UNITS),
]


def graph_of(
    nodes: list[tuple[str, list[str], str, str]], outputs: tuple[str, ...] = ("unit_scores",)
) -> Any:
    made = [onnx.helper.make_node(kind, given, [output]) for kind, given, output, _ in nodes]
    values = [onnx.helper.make_tensor_value_info(name, 1, None) for name in outputs]
    return onnx.helper.make_model(onnx.helper.make_graph(made, "g", [], values))


@pytest.mark.parametrize("outputs", [("unit_scores", "pixel_scores"), ("unit_scores",)])
def test_each_node_has_its_part(outputs: tuple[str, ...]) -> None:
    graph = graph_of(NODES, outputs)
    assert find_cuts(graph) == Cuts(["patches"], "embeddings")
    assert assign_nodes(graph) == [part for *_, part in NODES]


def test_no_embeddings_lie_behind_the_words() -> None:
    """Without units the pixels' scores are a bottleneck too, but the words are in them."""
    plain = [*NODES[:12], NODES[16], ("Mul", ["pixel_scores", "scale"], "scaled", UNITS)]
    graph = graph_of(plain, ("scaled",))
    assert find_cuts(graph).decoder == "embeddings"
    assert assign_nodes(graph)[-2:] == [UNITS, UNITS]


def test_an_output_along_the_way_is_no_dead_end() -> None:
    """What is an output stays open, though no node reads it later: nothing behind it is all."""
    graph = graph_of(NODES, ("sum", "pixel_scores"))
    assert find_cuts(graph).decoder == "patches"


def test_a_graph_without_such_names_is_refused() -> None:
    nameless = [
        (kind, [one.removeprefix("model.") for one in given], out, part)
        for kind, given, out, part in NODES
    ]
    with pytest.raises(UserError, match="export the bundle again"):
        assign_nodes(graph_of(nameless))
