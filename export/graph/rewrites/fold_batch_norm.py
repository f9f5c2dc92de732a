"""Put batch normalisation at inference into the convolution before it.

Precondition: a valid fp32 model; its BatchNormalization nodes run in inference mode.
Postcondition: the same outputs but for rounding; no BatchNormalization with constant statistics
reads a Conv with constant weights that nobody else reads.
"""

from __future__ import annotations

import numpy as np
import onnx

from export.graph.rewrites.graph_view import GraphView, bypass, replace_weight, set_weight
from export.graph.rewrites.repetition import repeat_steps


def fold_batch_norm(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    return repeat_steps(model, _fold_one)


def _fold_one(model: onnx.ModelProto) -> bool:
    view = GraphView(model)
    for norm in model.graph.node:
        if norm.op_type != "BatchNormalization" or norm.output[0] in view.outputs:
            continue
        conv = view.maker(norm.input[0], "Conv")
        if conv is None or view.only_reader(norm.input[0]) is None:
            continue
        statistics = [view.constant(name) for name in norm.input[1:5]]
        weight = view.constant(conv.input[1])
        old_bias = view.constant(conv.input[2]) if len(conv.input) > 2 else np.float32(0)
        if weight is None or old_bias is None or any(part is None for part in statistics):
            continue
        scale, shift, mean, variance = (np.asarray(part, np.float64) for part in statistics)
        epsilon = next((item.f for item in norm.attribute if item.name == "epsilon"), 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        shape = (-1,) + (1,) * (weight.ndim - 1)
        replace_weight(view, conv, 1, (weight * factor.reshape(shape)).astype(weight.dtype))
        bias = (shift + (old_bias - mean) * factor).astype(weight.dtype)
        if len(conv.input) > 2:
            replace_weight(view, conv, 2, bias)
        else:
            name = f"{norm.output[0]}_bias"
            set_weight(model, name, bias)
            conv.input.append(name)
        bypass(view, norm, norm.input[0])
        return True
    return False
