"""What a graph costs, stage by stage: nodes, bytes of constants, floating-point operations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import onnx
from onnx import numpy_helper

from export.graph.rewrites.graph_view import infer_shapes
from export.graph.stages import root_of


@dataclass(frozen=True)
class StageCost:
    """Cost of one stage: graph nodes, bytes of its weights, FLOPs (2 per multiply-add)."""

    nodes: int = 0
    weight_bytes: int = 0
    flops: int = 0

    def __add__(self, other: StageCost) -> StageCost:
        return StageCost(
            self.nodes + other.nodes,
            self.weight_bytes + other.weight_bytes,
            self.flops + other.flops,
        )

    def to_json(self) -> dict[str, int]:
        """Return the three figures as a plain dictionary."""
        return {"nodes": self.nodes, "weight_bytes": self.weight_bytes, "flops": self.flops}


def measure_cost(
    model: onnx.ModelProto, stages: Mapping[str, str], sizes: Mapping[str, int]
) -> dict[str, StageCost]:
    """Count nodes, weight bytes and FLOPs of each stage of a graph.

    FLOPs are those of matrix products and convolutions, where all but a percent of them are;
    element-wise work is not counted. A weight counts for the first stage that reads it.

    Args:
        model: the graph.
        stages: the stage of each node, by the node's name.
        sizes: a number for each free axis, so that every shape is known (``{"K": 20}``).

    Returns:
        Stage name to cost, in the order in which the stages occur.
    """
    shapes = _shapes_at(model, sizes)
    weights = {tensor.name: _bytes_of(tensor) for tensor in model.graph.initializer}
    costs: dict[str, StageCost] = {}
    for node in model.graph.node:
        stage = root_of(stages[node.name])
        owned = sum(weights.pop(name, 0) for name in node.input)
        if node.op_type == "Constant":
            owned += sum(_bytes_of(item.t) for item in node.attribute if item.name == "value")
        cost = StageCost(1, owned, _flops_of(node, shapes))
        costs[stage] = costs.get(stage, StageCost()) + cost
    return costs


def _bytes_of(tensor: onnx.TensorProto) -> int:
    itemsize = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return math.prod(tensor.dims) * itemsize


def _shapes_at(model: onnx.ModelProto, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    inputs = [onnx.ValueInfoProto() for _ in model.graph.input]
    for copy, value in zip(inputs, model.graph.input, strict=True):
        copy.CopyFrom(value)
        for axis in copy.type.tensor_type.shape.dim:
            if axis.dim_param in sizes:
                axis.dim_value = sizes[axis.dim_param]
    inferred = infer_shapes(model, inputs).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for value in [*inferred.input, *inferred.value_info, *inferred.output]:
        axes = value.type.tensor_type.shape.dim
        shapes[value.name] = tuple(axis.dim_value for axis in axes)
    for node in inferred.node:
        if node.op_type == "Constant":
            for item in node.attribute:
                if item.name == "value":
                    shapes[node.output[0]] = numpy_helper.to_array(item.t).shape
    return shapes


def _flops_of(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> int:
    kind = node.op_type
    if kind not in ("MatMul", "Gemm", "Conv", "ConvTranspose", "MatMulInteger", "ConvInteger"):
        return 0
    first, second = shapes.get(node.input[0], ()), shapes.get(node.input[1], ())
    result = shapes.get(node.output[0], ())
    if kind in ("MatMul", "MatMulInteger"):
        return 2 * math.prod(result) * (first[-1] if first else 0)
    if kind == "Gemm":
        transposed = any(item.name == "transA" and item.i for item in node.attribute)
        return 2 * math.prod(result) * (first[0] if transposed else first[1])
    # A convolution's weight is (out, in/groups, kh, kw), a transposed one's (in, out/groups, ...).
    per_point = math.prod(second[1:])
    points = first if kind == "ConvTranspose" else result
    return 2 * math.prod(points) * per_point
