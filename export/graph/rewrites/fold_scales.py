"""Multiply constant scales into the weights that come before them.

Precondition: a valid model in fp32.
Postcondition: the same outputs but for rounding. Gone are: a Mul by one number a channel right
after a Conv, and a Mul by a single number after a linear layer (MatMul and Add with constant
weights), whether it reads the layer directly or one part of a Split along its last axis, with
Reshape and Transpose between: attention's scaling of queries and keys.
"""

from __future__ import annotations

import numpy as np
import onnx

from export.graph.rewrites.graph_view import GraphView, bypass, replace_weight
from export.graph.rewrites.repetition import repeat_steps

_MOVES = ("Reshape", "Transpose")


def fold_scales(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    return repeat_steps(model, _fold_one)


def _fold_one(model: onnx.ModelProto) -> bool:
    view = GraphView(model)
    for mul in model.graph.node:
        if mul.op_type != "Mul" or mul.output[0] in view.outputs:
            continue
        for data, other in ((mul.input[0], mul.input[1]), (mul.input[1], mul.input[0])):
            scale = view.constant(other)
            if scale is None:
                continue
            folded = _into_convolution(view, data, scale) or _into_linear(view, data, scale)
            if folded:
                bypass(view, mul, data)
                return True
    return False


def _into_convolution(view: GraphView, data: str, scale: np.ndarray) -> bool:
    conv = view.maker(data, "Conv")
    if conv is None or view.only_reader(data) is None:
        return False
    weight = view.constant(conv.input[1])
    bias = view.constant(conv.input[2]) if len(conv.input) > 2 else None
    if weight is None or (len(conv.input) > 2 and bias is None):
        return False
    channels = weight.shape[0]
    trailing = weight.ndim - 2
    if scale.size != channels or scale.shape[-trailing:] != (1,) * trailing:
        return False
    per_channel = scale.reshape(channels)
    shape = (channels,) + (1,) * (weight.ndim - 1)
    replace_weight(view, conv, 1, weight * per_channel.reshape(shape))
    if bias is not None:
        replace_weight(view, conv, 2, bias * per_channel)
    return True


def _into_linear(view: GraphView, data: str, scale: np.ndarray) -> bool:
    if scale.size != 1:
        return False
    name = data
    while (node := view.makers.get(name)) is not None and node.op_type in _MOVES:
        if view.only_reader(name) is None:
            return False
        name = node.input[0]
    if view.only_reader(name) is None:
        return False
    split, part = view.maker(name, "Split"), None
    if split is not None:
        part = list(split.output).index(name), len(split.output)
        if not _splits_evenly_along_last_axis(split):
            return False
        name = split.input[0]
        if view.only_reader(name) is None:
            return False
    return _scale_columns(view, name, part, float(scale.reshape(())))


def _scale_columns(view: GraphView, name: str, part: tuple[int, int] | None, factor: float) -> bool:
    """Scale all columns of a linear layer, or the ``part[0]``-th of ``part[1]`` equal shares."""
    add = view.maker(name, "Add")
    if add is None:
        return False
    for data, other in ((add.input[0], 1), (add.input[1], 0)):
        product, bias = view.maker(data, "MatMul"), view.constant(add.input[other])
        if product is None or bias is None or bias.ndim != 1 or view.only_reader(data) is None:
            continue
        weight = view.constant(product.input[1])
        if weight is None or weight.ndim != 2 or weight.shape[1] != bias.shape[0]:
            continue
        factors = np.ones(bias.shape[0], bias.dtype)
        width = bias.shape[0] // (part[1] if part else 1)
        start = part[0] * width if part else 0
        factors[start : start + width] = factor
        replace_weight(view, product, 1, weight * factors)
        replace_weight(view, add, other, bias * factors)
        return True
    return False


def _splits_evenly_along_last_axis(split: onnx.NodeProto) -> bool:
    settings = {item.name: item.i for item in split.attribute}
    # The exporter splits a (1, p, 3 c) tensor; anything with stated sizes is left alone.
    return len(split.input) == 1 and settings.get("axis", 0) in (-1, 2)
