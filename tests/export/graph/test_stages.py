"""Which node belongs to which stage, and what is kept when a stage is."""

from __future__ import annotations

import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

from export.graph.staged_graph import strip_exporter_records  # noqa: E402
from export.graph.stages import is_among, map_stages, root_of  # noqa: E402

SCOPES = {
    "cast": ["", "_to_copy"],
    "stem": ["", "model.encoder", "model.encoder.visual.conv1", "conv2d"],
    "attend": ["", "model.encoder", "matmul"],
    "made_up": None,
    "mlp": ["", "model.encoder", "model.encoder.visual.transformer.resblocks.0.mlp", "linear"],
    "decode": ["", "model.decoder", "model.decoder.stage1", "add"],
    "normalise": ["", "div"],
    "gather": ["", "units", "softmax"],
    "score": ["", "matmul"],
}


def _model():
    nodes, value = [], "x"
    for name, scopes in SCOPES.items():
        node = helper.make_node("Identity", [value], [f"{name}_out"], name=name)
        if scopes is not None:
            entry = node.metadata_props.add()
            entry.key, entry.value = "pkg.torch.onnx.name_scopes", repr(scopes)
        node.doc_string = "File /home/somebody/model.py"
        nodes.append(node)
        value = f"{name}_out"
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1,))],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, (1,))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_scopes_become_stages() -> None:
    assert map_stages(_model()) == {
        "cast": "input",
        "stem": "encoder.stem",
        "attend": "encoder.attention",
        "made_up": "encoder.attention",
        "mlp": "encoder.mlp",
        "decode": "decoder",
        "normalise": "scores",
        "gather": "units",
        "score": "scores",
    }


def test_names_must_be_distinct() -> None:
    model = _model()
    model.graph.node[1].name = model.graph.node[0].name
    with pytest.raises(ValueError, match="same name"):
        map_stages(model)


def test_a_part_is_kept_with_its_stage() -> None:
    assert root_of("encoder.mlp") == "encoder"
    assert is_among("encoder.mlp", {"encoder"})
    assert is_among("encoder.mlp", {"encoder.mlp"})
    assert not is_among("encoder.mlp", {"encoder.attention", "decoder"})


def test_records_are_stripped() -> None:
    model = _model()
    strip_exporter_records(model)
    assert b"somebody" not in model.SerializeToString()
    assert not any(node.metadata_props for node in model.graph.node)
