"""Hand-built graphs for the tests of rewrites: one input ``x``, one output ``y``, fp32."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def make_model(nodes, weights, x_shape, y_shape=None, more_outputs=()) -> onnx.ModelProto:
    """Build a model; ``weights`` maps names to arrays."""
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, y_shape)]
    outputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in more_outputs]
    for index, node in enumerate(nodes):
        node.name = node.name or f"node_{index}"
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x_shape)],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    for value, known in zip(model.graph.output, inferred.graph.output, strict=True):
        value.CopyFrom(known)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    """Run with onnx's own reference evaluator."""
    onnx.checker.check_model(model, full_check=True)
    return ReferenceEvaluator(model).run(None, {"x": x})


def kinds(model: onnx.ModelProto) -> dict[str, int]:
    """Count the operators."""
    return dict(Counter(node.op_type for node in model.graph.node))


def random(*shape: int) -> np.ndarray:
    """Return fp32 values that differ from call to call only by shape."""
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)
