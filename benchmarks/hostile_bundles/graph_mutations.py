"""Graphs: every part of an ONNX file that a reader may believe too readily."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from benchmarks.hostile_bundles.file_mutations import change_bytes

# Where a graph may want to read: beside, above, the machine's own, what is no file, what is listed.
LOCATIONS = (
    "../outside/secret.bin",
    "{outside}/secret.bin",
    "missing.bin",
    "segmenter.onnx",
    "manifest.json",
    "vocabulary.safetensors",
    "",
    ".",
    "a\0b",
    "x" * 5000,
)
SIDES = (0, 1, 2, 7, -1, 2**16, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63))
OPERATORS = (
    *(
        "Loop If Scan NonZero Expand Tile ConstantOfShape Range Resize Pad Gather GatherND "
        "ScatterND TopK OneHot Einsum LSTM GRU RoiAlign NonMaxSuppression StringNormalizer "
        "SequenceAt Compress Unique DFT GridSample QLinearConv DequantizeLinear Conv "
        "ConvTranspose MaxPool MaxUnpool Slice Split Concat Reshape Transpose CumSum DepthToSpace "
        "NoSuchOperator"
    ).split(),
    "",
)
DOMAINS = ("com.microsoft", "ai.onnx.ml", "ai.onnx.preview.training", "trt.plugins", "evil", "\0")

__all__ = ["change_graph"]

Change = Callable[[Random, Any], None]


def change_graph(random: Random, data: bytes, outside: str) -> bytes:
    """An ONNX file with one to three changes, or with bytes of its structure changed.

    Args:
        random: draws.
        data: the file.
        outside: a folder that no graph may read.
    """
    import onnx

    if random.random() < 0.2:
        return change_bytes(random, data, reach=None if random.random() < 0.5 else 4000)
    model = onnx.ModelProto.FromString(data)
    for _ in range(random.choice((1, 1, 2, 3))):
        random.choice(_CHANGES)(random, model)
    changed: bytes = model.SerializeToString()
    return changed.replace(b"{outside}", outside.encode())


def _external(random: Random, model: Any) -> None:
    tensor = random.choice(model.graph.initializer)
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    tensor.external_data.add(key="location", value=random.choice(LOCATIONS))
    for key in ("offset", "length"):
        if random.random() < 0.5:
            value = random.choice(("0", "-1", "4096", str(2**63), "x", ""))
            tensor.external_data.add(key=key, value=value)


def _dims(random: Random, model: Any) -> None:
    tensor = random.choice(model.graph.initializer)
    if tensor.dims and random.random() < 0.6:
        tensor.dims[random.randrange(len(tensor.dims))] = random.choice(SIDES)
    else:
        tensor.dims.extend(random.choice(SIDES) for _ in range(random.choice((1, 2, 9))))


def _tensor_type(random: Random, model: Any) -> None:
    tensor = random.choice(model.graph.initializer)
    tensor.data_type = random.choice((*range(27), 99, 2**31 - 1))


def _tensor_data(random: Random, model: Any) -> None:
    import numpy as np

    tensor = random.choice(model.graph.initializer)
    way = random.randrange(4)
    if way == 0:
        tensor.raw_data = tensor.raw_data[: random.randrange(len(tensor.raw_data) + 1)]
    elif way == 1:
        tensor.raw_data = tensor.raw_data * 2
    elif way == 2:
        tensor.float_data.extend([1.0] * random.randrange(5))
    elif tensor.data_type == 7 and tensor.raw_data:
        numbers = np.frombuffer(tensor.raw_data, np.int64).copy()
        numbers[random.randrange(len(numbers))] = random.choice(SIDES)
        tensor.raw_data = numbers.tobytes()


def _operator(random: Random, model: Any) -> None:
    random.choice(model.graph.node).op_type = random.choice(OPERATORS)


def _domain(random: Random, model: Any) -> None:
    domain = random.choice(DOMAINS)
    random.choice(model.graph.node).domain = domain
    if random.random() < 0.7:
        model.opset_import.add(domain=domain, version=random.choice((1, 0, -1, 2**63 - 1)))


def _edge(random: Random, model: Any) -> None:
    """Another input, possibly of a later node: a circle; or two nodes that write one name."""
    node, other = random.choice(model.graph.node), random.choice(model.graph.node)
    side = node.input if random.random() < 0.7 else node.output
    names = [*other.input, *other.output, "", "nowhere"]
    if side and random.random() < 0.8:
        side[random.randrange(len(side))] = random.choice(names)
    else:
        side.append(random.choice(names))


def _attribute(random: Random, model: Any) -> None:
    nodes = [node for node in model.graph.node if node.attribute]
    if not nodes:
        return
    attribute = random.choice(random.choice(nodes).attribute)
    way = random.randrange(4)
    if way == 0:
        attribute.i = random.choice(SIDES)
    elif way == 1 and attribute.ints:
        attribute.ints[random.randrange(len(attribute.ints))] = random.choice(SIDES)
    elif way == 2:
        attribute.ints.extend(random.choice(SIDES) for _ in range(random.choice((1, 3, 20))))
    else:
        attribute.type = random.choice(range(15))


def _subgraph(random: Random, model: Any) -> None:
    """Graphs within graphs, as control flow has them."""
    node = random.choice(model.graph.node)
    node.op_type = random.choice(("If", "Loop", "Scan", node.op_type))
    for _ in range(random.choice((1, 3, 20, 70, 90))):
        attribute = node.attribute.add(name=random.choice(("body", "then_branch")), type=5)
        node = attribute.g.node.add(op_type=random.choice(("If", "Loop", "Identity")))
        node.output.append("inner")


def _function(random: Random, model: Any) -> None:
    function = model.functions.add(name="own", domain="own", output=["y"], input=["x"])
    inner = random.choice((("own", "own"), ("Identity", "")))
    function.node.add(op_type=inner[0], domain=inner[1], input=["x"], output=["y"])
    model.opset_import.add(domain="own", version=1)
    if random.random() < 0.7:
        node = random.choice(model.graph.node)
        node.op_type, node.domain = "own", "own"


def _value_info(random: Random, model: Any) -> None:
    value = random.choice([*model.graph.input, *model.graph.output])
    tensor = value.type.tensor_type
    way = random.randrange(4)
    if way == 0:
        tensor.elem_type = random.choice((*range(27), 99))
    elif way == 1 and tensor.shape.dim:
        random.choice(tensor.shape.dim).dim_value = random.choice(SIDES)
    elif way == 2:
        tensor.shape.dim.add().dim_value = random.choice(SIDES)
    else:
        value.name = random.choice(("frame", "text", "class_scores", "", "x" * 9000))


def _entries(random: Random, model: Any) -> None:
    """Inputs, outputs, nodes and tensors that are there twice, or not at all."""
    graph = model.graph
    entries = random.choice((graph.input, graph.output, graph.node, graph.initializer))
    if entries and random.random() < 0.5:
        del entries[random.randrange(len(entries))]
    elif entries:
        entries.append(random.choice(entries))


def _versions(random: Random, model: Any) -> None:
    model.ir_version = random.choice((0, 1, 3, 99, 2**31, -1, model.ir_version))
    if model.opset_import:
        model.opset_import[0].version = random.choice((0, 1, 7, 9, 13, 21, 99, 2**31, -1))


def _sparse(random: Random, model: Any) -> None:
    sparse = model.graph.sparse_initializer.add()
    sparse.values.CopyFrom(random.choice(model.graph.initializer))
    sparse.dims.extend(random.choice(SIDES) for _ in range(2))
    sparse.indices.dims.append(random.choice(SIDES))
    sparse.indices.data_type = 7


_CHANGES: tuple[Change, ...] = (
    _external, _dims, _tensor_type, _tensor_data, _operator, _domain, _edge, _attribute, _subgraph,
    _function, _value_info, _entries, _versions, _sparse,
)  # fmt: skip
