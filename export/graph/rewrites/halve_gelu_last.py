"""Write GELU so that ONNX Runtime finds it: ``x * (0.5 * (1 + erf(..)))`` becomes ``(x * (1 +
erf(..))) * 0.5``.

ONNX Runtime's GeluFusion knows the second order and not the first, which is the exporter's: five
passes over the widest tensors of every block become one. A half is a power of two, so the numbers
are the same to the last bit.

Precondition: a valid model.
Postcondition: the same outputs; no half stands between GELU's sum and its product with x.
"""

from __future__ import annotations

import onnx

from export.graph.rewrites.graph_view import GraphView


def halve_gelu_last(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    view = GraphView(model)
    products = [node for node in model.graph.node if node.op_type == "Mul"]
    return any([_halve_last(view, product) for product in products])


def _halve_last(view: GraphView, product: onnx.NodeProto) -> bool:
    """Rewrite one product, if it is GELU's; return whether it was."""
    for inner, x in (tuple(product.input), tuple(product.input)[::-1]):
        halved = view.maker(inner, "Mul")
        reader = view.only_reader(inner)
        if halved is None or reader is None or reader is not product:
            continue
        sums = [name for name in halved.input if _is_gelu_sum(view, name)]
        halves = [name for name in halved.input if _is_half(view, name)]
        if len(sums) == len(halves) == 1:
            halved.input[:] = [x, sums[0]]
            product.input[:] = [inner, halves[0]]
            return True
    return False


def _is_gelu_sum(view: GraphView, name: str) -> bool:
    """Whether a value is a sum with an error function in it."""
    total = view.maker(name, "Add")
    return total is not None and any(view.maker(part, "Erf") for part in total.input)


def _is_half(view: GraphView, name: str) -> bool:
    """Whether a value is the constant 0.5."""
    value = view.constant(name)
    return value is not None and value.size == 1 and float(value.reshape(())) == 0.5
