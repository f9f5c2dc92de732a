"""Join transposes that follow one another.

Precondition: a valid model; every Transpose states its permutation.
Postcondition: the same outputs; no Transpose reads a Transpose that nobody else reads, no Transpose
leaves its axes as they are, and no Reshape - Transpose - Reshape only swaps the last two axes of a
tensor of higher rank (the exporter writes attention's transposed keys so).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import onnx

from export.graph.rewrites.graph_view import GraphView, bypass, permutation, remove_nodes
from export.graph.rewrites.repetition import repeat_steps


def merge_transposes(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    # Taken once: what is rewritten below keeps the names, and so the shapes, of what is left.
    shapes = GraphView(model).shapes()
    return repeat_steps(model, partial(_flatten_swap, shapes=shapes), _join_pair, _drop_identity)


def _flatten_swap(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Reshape (.., a, b) -> (n, a, b), swap, Reshape -> (.., b, a): one Transpose."""
    view = GraphView(model)
    for swap in model.graph.node:
        if swap.op_type != "Transpose" or permutation(swap) != (0, 2, 1):
            continue
        before = view.maker(swap.input[0], "Reshape")
        after = view.only_reader(swap.output[0])
        if before is None or view.only_reader(before.output[0]) is None:
            continue
        if after is None or after.op_type != "Reshape":
            continue
        source, target = shapes.get(before.input[0]), shapes.get(after.output[0])
        if source is None or target is None or len(source) < 3:
            continue
        if (*source[:-2], source[-1], source[-2]) != target:
            continue
        if shapes.get(before.output[0], ())[1:] != source[-2:]:
            continue
        axes = list(range(len(source)))
        axes[-2], axes[-1] = axes[-1], axes[-2]
        swap.input[0] = before.input[0]
        swap.output[0] = after.output[0]
        _set_permutation(swap, axes)
        after.output[0] = f"{after.output[0]}_replaced"
        remove_nodes(model, [before, after])
        return True
    return False


def _join_pair(model: onnx.ModelProto) -> bool:
    view = GraphView(model)
    for second in model.graph.node:
        if second.op_type != "Transpose":
            continue
        first = view.maker(second.input[0], "Transpose")
        if first is None:
            continue
        inner = permutation(first)
        second.input[0] = first.input[0]
        _set_permutation(second, [inner[axis] for axis in permutation(second)])
        if view.only_reader(first.output[0]) is second:
            remove_nodes(model, [first])
        return True
    return False


def _drop_identity(model: onnx.ModelProto) -> bool:
    view = GraphView(model)
    for node in model.graph.node:
        if node.op_type != "Transpose" or node.output[0] in view.outputs:
            continue
        axes = permutation(node)
        if axes != tuple(range(len(axes))):
            continue
        bypass(view, node, node.input[0])
        return True
    return False


def _set_permutation(node: onnx.NodeProto, axes: list[int]) -> None:
    del node.attribute[:]
    node.attribute.append(onnx.helper.make_attribute("perm", axes))
