"""A graph with one more output, for looking inside: the encoder's patch embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from export.graph.stages import root_of

PATCHES = "patches"
# A Resize; or, before products with matrices (training.model.resample), the classes' share as a
# factor. What else reads the encoder begins with a norm.
ENLARGING = ("Resize", "Mul")


def add_patch_output(model: onnx.ModelProto, stages: Mapping[str, str]) -> onnx.ModelProto:
    """Return a copy of ``model`` that also gives ``patches`` float32 (1, D, hp, wp).

    These are the encoder's own embeddings: the one tensor that crosses from the encoder stage into
    what is done first to enlarge them (:data:`ENLARGING`); of a trunk without a
    space of classes, the first that crosses into the decoder, its late features.

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
        ValueError: nothing reads what the encoder gives.
    """
    maker = {name: node for node in model.graph.node for name in node.output}
    crossing = []
    for node in model.graph.node:
        value = node.input[0] if node.input else ""
        while value in maker and maker[value].op_type == "Cast":
            value = maker[value].input[0]
        made = value in maker and root_of(stages.get(maker[value].name, "")) == "encoder"
        if made and root_of(stages.get(node.name, "")) != "encoder":
            crossing.append((node.op_type, value))
    resized = [value for kind, value in crossing if kind in ENLARGING]
    read = [value for kind, value in crossing if kind != "Cast"]
    if not read:
        raise ValueError("the traced graph has nothing that reads the encoder")
    return (resized or read)[0]
