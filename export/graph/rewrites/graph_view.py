"""What rewrites ask of a graph: who makes a value, who reads it, what is constant, what shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import numpy_helper

_SMALL = 4096


class GraphView:
    """Look-ups over a model, taken once; build a new one after changing nodes or weights."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.model = model
        self.makers = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.outputs = {value.name for value in graph.output}
        self._weights = {tensor.name: tensor for tensor in graph.initializer}

    def constant(self, name: str) -> np.ndarray | None:
        """Return the value of an initializer, None for anything else."""
        tensor = self._weights.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def maker(self, name: str, kind: str) -> onnx.NodeProto | None:
        """Return the node of this kind that makes a value, None if another kind does."""
        node = self.makers.get(name)
        return node if node is not None and node.op_type == kind else None

    def only_reader(self, name: str) -> onnx.NodeProto | None:
        """Return the one node that reads a value; None if several do or it leaves the graph."""
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that are wholly known, by value."""
        inferred = infer_shapes(self.model).graph
        found = {}
        for value in [*inferred.input, *inferred.value_info, *inferred.output]:
            axes = value.type.tensor_type.shape.dim
            if all(axis.HasField("dim_value") for axis in axes):
                found[value.name] = tuple(axis.dim_value for axis in axes)
        return found


def infer_shapes(
    model: onnx.ModelProto, inputs: Sequence[onnx.ValueInfoProto] | None = None
) -> onnx.ModelProto:
    """Return the model with types and shapes of inner values, its large weights left out.

    Weights become inputs of their shape: copying hundreds of megabytes to learn a shape would make
    every rewrite of a real model slow. Small ones, which shapes may depend on, stay. ``inputs``
    replace the model's own, to fix free axes; outputs then take what follows from them.
    """
    graph = onnx.GraphProto()
    graph.name = model.graph.name
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input if inputs is None else inputs)
    for value in model.graph.output:
        kind = value.type.tensor_type.elem_type
        shape = None if inputs is not None else [_side(a) for a in value.type.tensor_type.shape.dim]
        graph.output.append(onnx.helper.make_tensor_value_info(value.name, kind, shape))
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _SMALL:
            graph.initializer.append(tensor)
        else:
            graph.input.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    light = onnx.helper.make_model(graph, opset_imports=model.opset_import)
    return onnx.shape_inference.infer_shapes(light, data_prop=True)


def _side(axis: onnx.TensorShapeProto.Dimension) -> int | str | None:
    return axis.dim_value if axis.HasField("dim_value") else axis.dim_param or None


def set_weight(model: onnx.ModelProto, name: str, value: np.ndarray) -> None:
    """Add an initializer, or replace the one of that name, in place."""
    tensor = numpy_helper.from_array(np.ascontiguousarray(value), name)
    for existing in model.graph.initializer:
        if existing.name == name:
            existing.CopyFrom(tensor)
            return
    model.graph.initializer.append(tensor)


def remove_nodes(model: onnx.ModelProto, gone: list[onnx.NodeProto]) -> None:
    """Remove nodes in place, by identity of their first output."""
    names = {node.output[0] for node in gone}
    kept = [node for node in model.graph.node if node.output[0] not in names]
    del model.graph.node[:]
    model.graph.node.extend(kept)


def replace_weight(view: GraphView, node: onnx.NodeProto, index: int, value: np.ndarray) -> None:
    """Give a node's input a new constant; the old one stays for its other readers, if any."""
    name = node.input[index]
    if len(view.readers[name]) > 1:
        name = f"{name}_for_{node.name}"
        node.input[index] = name
    set_weight(view.model, name, value)


def bypass(view: GraphView, node: onnx.NodeProto, source: str) -> None:
    """Remove a node; whoever read its output reads ``source`` instead."""
    for reader in view.readers.get(node.output[0], []):
        for index, name in enumerate(reader.input):
            if name == node.output[0]:
                reader.input[index] = source
    remove_nodes(view.model, [node])


def permutation(node: onnx.NodeProto) -> tuple[int, ...]:
    """Return a Transpose's permutation."""
    return tuple(next(item.ints for item in node.attribute if item.name == "perm"))
