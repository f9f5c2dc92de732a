"""A graph with one more output, for looking inside: the encoder's patch embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from export.graph.stages import root_of

PATCHES = "patches"


def add_patch_output(model: onnx.ModelProto, stages: Mapping[str, str]) -> onnx.ModelProto:
    """Return a copy of ``model`` that also gives ``patches`` float32 (1, D, hp, wp).

    These are the encoder's own embeddings: the one tensor that crosses from the encoder stage into
    a Resize, which both the trained decoder and plain enlargement begin with.

    Args:
        model: the segmenter's graph.
        stages: the stage of each node by name (nodes without one are casts and the like).
    """
    value = find_patch_value(model, stages)
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    opened.graph.node.append(
        onnx.helper.make_node("Cast", [value], [PATCHES], name="patch_output", to=1)
    )
    opened.graph.output.append(
        onnx.helper.make_tensor_value_info(PATCHES, onnx.TensorProto.FLOAT, [None] * 4)
    )
    return opened


def find_patch_value(model: onnx.ModelProto, stages: Mapping[str, str]) -> str:
    """Return the name of the value that holds the encoder's patch embeddings.

    Raises:
        ValueError: no Resize reads what the encoder gives.
    """
    maker = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type != "Resize":
            continue
        value = node.input[0]
        while value in maker and maker[value].op_type == "Cast":
            value = maker[value].input[0]
        if value in maker and root_of(stages.get(maker[value].name, "")) == "encoder":
            return value
    raise ValueError("the traced graph has no Resize that reads the encoder")
