"""Compute a graph in half precision, with islands of fp32 where half would ruin it.

Precondition: a valid fp32 model whose nodes have unique names and a stage each.
Postcondition: inputs and outputs keep their names and types. In stages outside ``keep_fp32`` every
floating-point node computes in fp16, except those of ``ISLANDS`` (LayerNorm, Softmax and the steps
of an L2 normalisation), which compute in fp32 between two casts; weights are stored in the type
they are read in. Nodes that only move data run in the type they are given. No two casts bring the
same value to the same type.

This is what ``module.half()`` with fp32 islands gives (as many casts), done on the graph so that
any stage can be kept in fp32 and so that encoder, decoder and units need no code for it.
"""

from __future__ import annotations

from collections.abc import Collection, MutableMapping

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from export.graph.rewrites.drop_unused_weights import drop_unused_weights
from export.graph.rewrites.graph_view import infer_shapes
from export.graph.stages import is_among

ISLANDS = frozenset(
    {"LayerNormalization", "Softmax", "Pow", "ReduceSum", "ReduceMean", "Sqrt", "Clip", "Div"}
)
MOVES = frozenset(
    {
        "Transpose",
        "Reshape",
        "Slice",
        "Gather",
        "Concat",
        "Split",
        "Squeeze",
        "Unsqueeze",
        "Expand",
        "DepthToSpace",
        "SpaceToDepth",
        "Identity",
    }
)
# Inputs that must stay fp32 whatever the node computes in: Resize's region and scales.
_FP32_INPUTS = {"Resize": (1, 2)}
LARGEST_HALF = 65504.0
_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def convert_to_half(
    model: onnx.ModelProto,
    stages: MutableMapping[str, str],
    keep_fp32: Collection[str],
    keep_nodes: Collection[str] = (),
) -> frozenset[str]:
    """Convert in place; the casts that are added get a stage too.

    Args:
        model: the graph.
        stages: the stage of each node by name; added casts are entered.
        keep_fp32: stages, or parts of them, that stay in fp32 as a whole.
        keep_nodes: names of single nodes that stay in fp32, wherever they stand.

    Returns:
        The names of the nodes that are in half precision now; with none the graph is unchanged.
    """
    rewrite = _Rewrite(model, stages, frozenset(keep_fp32), frozenset(keep_nodes))
    for node in list(model.graph.node):
        rewrite.take(node)
    rewrite.restore_outputs()
    if not rewrite.halved:
        return frozenset()
    del model.graph.node[:]
    model.graph.node.extend(rewrite.nodes)
    # Inner values have other types now; the exporter's notes about them would be wrong.
    del model.graph.value_info[:]
    drop_unused_weights(model)
    return frozenset(rewrite.halved)


class _Rewrite:
    """The new node list while it grows."""

    def __init__(
        self,
        model: onnx.ModelProto,
        stages: MutableMapping[str, str],
        keep: frozenset[str],
        keep_nodes: frozenset[str],
    ) -> None:
        self.model, self.stages, self.keep, self.keep_nodes = model, stages, keep, keep_nodes
        self.floats = float_values(model)
        self.weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self.type_of: dict[str, int] = {}
        self.versions: dict[tuple[str, int], str] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.halved: set[str] = set()

    def take(self, node: onnx.NodeProto) -> None:
        """Add one node in the type it should compute in."""
        wanted = self._type_for(node)
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        fixed = _FP32_INPUTS.get(node.op_type, ())
        for index, name in enumerate(node.input):
            if name in self.floats:
                to = _FLOAT if index in fixed else wanted
                copy.input[index] = self._as(name, to, self.stages[node.name])
        if node.op_type != "Cast":
            for name in node.output:
                if name in self.floats:
                    self.type_of[name] = wanted
        if wanted == _HALF:
            self.halved.add(node.name)
        self.nodes.append(copy)

    def restore_outputs(self) -> None:
        """Give every float output of the graph its type back."""
        for value in self.model.graph.output:
            if self.type_of.get(value.name, _FLOAT) == _FLOAT:
                continue
            inner = f"{value.name}_half"
            for node in self.nodes:
                for names in (node.input, node.output):
                    for index, name in enumerate(names):
                        if name == value.name:
                            names[index] = inner
            self._add_cast(inner, value.name, _FLOAT, "scores")

    def _type_for(self, node: onnx.NodeProto) -> int:
        if node.op_type in MOVES:
            data = [name for name in node.input if name in self.floats and name not in self.weights]
            if data:
                # What is joined from both types is joined in fp32.
                types = {self.type_of.get(name, _FLOAT) for name in data}
                return _HALF if types == {_HALF} else _FLOAT
        if node.op_type in ISLANDS or node.op_type == "Cast":
            return _FLOAT
        if node.name in self.keep_nodes or is_among(self.stages[node.name], self.keep):
            return _FLOAT
        touched = any(name in self.floats for name in (*node.input, *node.output))
        return _HALF if touched else _FLOAT

    def _as(self, name: str, wanted: int, stage: str) -> str:
        """Return the name of a value in the wanted type, adding a cast or a half weight if new."""
        if self.type_of.get(name, _FLOAT) == wanted:
            return name
        key = (name, wanted)
        if key not in self.versions:
            suffix = "half" if wanted == _HALF else "float"
            self.versions[key] = f"{name}_as_{suffix}"
            if name in self.weights:
                self._add_half_weight(name, self.versions[key])
            else:
                self._add_cast(name, self.versions[key], wanted, stage)
        return self.versions[key]

    def _add_cast(self, source: str, target: str, to: int, stage: str) -> None:
        node = onnx.helper.make_node("Cast", [source], [target], name=f"cast_{target}", to=to)
        self.stages[node.name] = stage
        self.nodes.append(node)

    def _add_half_weight(self, name: str, target: str) -> None:
        values = numpy_helper.to_array(self.weights[name])
        # Nodes whose weights do not fit are for keep_nodes (export.precision.half_range).
        half = np.clip(values, -LARGEST_HALF, LARGEST_HALF).astype(np.float16)
        self.model.graph.initializer.append(numpy_helper.from_array(half, target))


def float_values(model: onnx.ModelProto) -> set[str]:
    """Return the names of all fp32 values of a graph: inputs, weights and results."""
    inferred = infer_shapes(model).graph
    names = {tensor.name for tensor in model.graph.initializer if tensor.data_type == _FLOAT}
    for value in [*inferred.input, *inferred.value_info, *inferred.output]:
        if value.type.tensor_type.elem_type == _FLOAT:
            names.add(value.name)
    return names
