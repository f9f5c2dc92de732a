"""A 1x1 convolution whose channels are then shuffled out to finer pixels is one transposed
convolution.

DepthToSpace moves single numbers about; ONNX Runtime takes three times as long for both on a CPU as
for a ConvTranspose whose stride is its kernel. The bias differs among the finer pixels of one
coarse one, and a ConvTranspose has one a channel: an input channel of ones carries it.

Precondition: a valid model.
Postcondition: the same outputs but for rounding; no DepthToSpace (mode CRD) reads a 1x1 convolution
with constant weights that nobody else reads.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from export.graph.rewrites.graph_view import GraphView, set_weight
from export.graph.rewrites.repetition import repeat_steps


def join_pixel_shuffle(model: onnx.ModelProto) -> bool:
    """Rewrite in place; return whether anything changed."""
    return repeat_steps(model, _join_one)


def _join_one(model: onnx.ModelProto) -> bool:
    view = GraphView(model)
    for shuffle in model.graph.node:
        if shuffle.op_type != "DepthToSpace":
            continue
        values = {item.name: helper.get_attribute_value(item) for item in shuffle.attribute}
        conv = view.maker(shuffle.input[0], "Conv")
        if values.get("mode") != b"CRD" or conv is None:
            continue
        rows = _pointwise_rows(view, conv)
        if rows is not None and view.only_reader(conv.output[0]) is not None:
            _replace(model, conv, shuffle, rows, int(values["blocksize"]))
            return True
    return False


def _pointwise_rows(view: GraphView, conv: onnx.NodeProto) -> np.ndarray | None:
    """Weights and bias (out, in + 1) of a 1x1 convolution in one group; None if it is another."""
    values = {item.name: helper.get_attribute_value(item) for item in conv.attribute}
    if len(conv.input) != 3 or values.get("group", 1) != 1 or any(values.get("pads", ())):
        return None
    if any(stride != 1 for stride in values.get("strides", ())):
        return None
    weight, bias = view.constant(conv.input[1]), view.constant(conv.input[2])
    if weight is None or bias is None or weight.shape[2:] != (1, 1):
        return None
    return np.concatenate([weight[:, :, 0, 0], bias[:, None]], axis=1)


def _replace(
    model: onnx.ModelProto,
    conv: onnx.NodeProto,
    shuffle: onnx.NodeProto,
    rows: np.ndarray,
    block: int,
) -> None:
    # CRD: channel (c, down, across) of a coarse pixel is channel c of its finer one.
    finer = rows.T.reshape(rows.shape[1], -1, block, block)
    # The two new nodes keep the names of the two that go: stages are told by them.
    names = {part: f"{shuffle.name}_{part}" for part in ("weight", "pads", "one", "ones")}
    set_weight(model, names["weight"], finer)
    set_weight(model, names["pads"], np.array([0, 0, 0, 0, 0, 1, 0, 0], np.int64))
    set_weight(model, names["one"], np.array(1, rows.dtype))
    padded = [conv.input[0], names["pads"], names["one"]]
    pad = helper.make_node("Pad", padded, [names["ones"]], name=conv.name)
    spread = helper.make_node(
        "ConvTranspose",
        [names["ones"], names["weight"]],
        [shuffle.output[0]],
        name=shuffle.name,
        strides=[block, block],
    )
    place = list(model.graph.node).index(conv)
    kept = [node for node in model.graph.node if node is not conv and node is not shuffle]
    kept[place:place] = [pad, spread]
    del model.graph.node[:]
    model.graph.node.extend(kept)
