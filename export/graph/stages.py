"""Which stage of the model each node of a freshly traced graph belongs to."""

from __future__ import annotations

import ast
from collections.abc import Collection

import onnx

_SCOPES_KEY = "pkg.torch.onnx.name_scopes"
STAGES = ("input", "encoder", "decoder", "units", "scores")
# Parts of the encoder that may be kept in fp32 on their own.
PARTS = ("encoder.stem", "encoder.attention", "encoder.mlp")
# A part that no precision changes: how alike the patches are, and which of them are mended. It
# decides what is cut and what is not, by squares that half precision cannot tell apart.
COMPARING = "encoder.comparing"
_COMPARING_SCOPES = (".method.similarity", ".method.outliers")
_STAGE_OF_SCOPE = {
    "model.encoder": "encoder",
    "model.decoder": "decoder",
    "units": "units",
    "pamr": "units",  # in the place of units
}


def map_stages(model: onnx.ModelProto) -> dict[str, str]:
    """Map node names to stages, by the module scopes that the exporter recorded.

    What stands outside the encoder, the decoder and the units is ``input`` (before the encoder) or
    ``scores`` (after it). The encoder's nodes carry the part too: ``encoder.stem`` (pixels to
    patches), ``encoder.mlp``, ``COMPARING``, and ``encoder.attention`` for all else. A node without
    a record, made by the exporter's own optimiser, belongs to the stage of the node before it.

    Precondition: the graph comes straight from the exporter, its nodes have unique names.
    """
    stages: dict[str, str] = {}
    stage = "input"
    for node in model.graph.node:
        scopes = _scopes_of(node)
        if scopes:
            named = [_STAGE_OF_SCOPE[scope] for scope in scopes if scope in _STAGE_OF_SCOPE]
            outside = "input" if stage == "input" else "scores"
            stage = named[0] if named else outside
            if stage == "encoder":
                stage = _part_of(scopes)
        stages[node.name] = stage
    if len(stages) != len(model.graph.node):
        raise ValueError("two nodes of the traced graph have the same name")
    return stages


def _part_of(scopes: tuple[str, ...]) -> str:
    if any(scope.endswith(_COMPARING_SCOPES) for scope in scopes):
        return COMPARING
    if any(scope.endswith(".mlp") for scope in scopes):
        return "encoder.mlp"
    if any(scope.endswith(".visual.conv1") for scope in scopes):
        return "encoder.stem"
    return "encoder.attention"


def root_of(stage: str) -> str:
    """Return the stage that a part belongs to: ``encoder.mlp`` -> ``encoder``."""
    return stage.split(".")[0]


def is_among(stage: str, chosen: Collection[str]) -> bool:
    """Tell whether a node's stage is chosen, by itself or through the stage it is a part of."""
    return stage in chosen or root_of(stage) in chosen


def _scopes_of(node: onnx.NodeProto) -> tuple[str, ...]:
    for entry in node.metadata_props:
        if entry.key == _SCOPES_KEY:
            return tuple(str(scope) for scope in ast.literal_eval(entry.value))
    return ()
