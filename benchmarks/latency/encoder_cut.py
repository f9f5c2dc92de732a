"""The encoder of a bundle's graph by itself, cut out where the decoder begins.

A shipped graph carries no record of its stages, but its weights keep the names that they have in
the model: ``model.encoder.…`` and ``model.decoder.…``. The encoder ends with the last tensor before
anything that a weight of the decoder has touched, or that enlarges the encoder's output.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.latency.graph_file import read_graph
from runtime.bundle import SEGMENTER_FILE, Bundle
from runtime.errors import UserError

if TYPE_CHECKING:
    import onnx

_ENCODER, _DECODER = "model.encoder.", "model.decoder."
# The decoder's skip path enlarges the encoder's output before any weight of the decoder.
_ENLARGES = "Resize"


def cut_encoder(bundle: Bundle, path: Path) -> list[str]:
    """Write the encoder of a bundle as a graph of its own: ``frame`` in, its features out.

    Args:
        bundle: exported from any checkpoint, or from CLIP alone.
        path: of the ONNX file to write.

    Returns:
        Names of the tensors that it ends with.

    Raises:
        UserError: no package ``onnx``, or a graph in which no encoder can be told.
    """
    model = read_graph(bundle.path / SEGMENTER_FILE)
    ends = encoder_ends(model)
    if not ends:
        raise UserError(
            f"--against encoder: the graph of {bundle.id} does not name its weights after encoder "
            "and decoder, as python -m export does; export it again, or leave encoder out"
        )
    write_cut(model, ends, path)
    return ends


def write_cut(model: onnx.ModelProto, ends: list[str], path: Path) -> None:
    """Write what leads from ``frame`` to the tensors ``ends`` as a graph of its own."""
    import onnx

    from export.graph.rewrites.graph_view import infer_shapes

    known = {value.name for value in model.graph.value_info}
    inferred = infer_shapes(model).graph.value_info
    wanted = set(ends) - known
    model.graph.value_info.extend(value for value in inferred if value.name in wanted)
    onnx.save(onnx.utils.Extractor(model).extract_model(["frame"], ends), str(path))


def encoder_ends(model: onnx.ModelProto) -> list[str]:
    """Names of the tensors that the encoder hands on, in the graph's order; empty if unknown."""
    nodes = list(model.graph.node)
    weighted = _weighted(nodes, _ENCODER)
    of_decoder = _weighted(nodes, _DECODER)
    # Equal weights of both were merged: what the decoder has touched is the decoder's.
    of_decoder |= _behind(nodes, of_decoder)
    weighted -= of_decoder
    if not weighted:
        return []
    enlarging = {n for n in range(max(weighted), len(nodes)) if nodes[n].op_type == _ENLARGES}
    outside = of_decoder | enlarging | _behind(nodes, enlarging)
    inside = (weighted | _behind(nodes, weighted)) - outside
    handed_on = {name for number in outside for name in nodes[number].input}
    return [name for number in sorted(inside) for name in nodes[number].output if name in handed_on]


def _weighted(nodes: list[onnx.NodeProto], prefix: str) -> set[int]:
    """Numbers of the nodes that read a weight of this prefix."""
    return {
        number
        for number, node in enumerate(nodes)
        if any(name.startswith(prefix) for name in node.input)
    }


def _behind(nodes: list[onnx.NodeProto], first: set[int]) -> set[int]:
    """Numbers of the nodes that read, directly or not, what ``first`` make."""
    made = {name for number in first for name in nodes[number].output}
    found = set()
    for number, node in enumerate(nodes):  # they stand in the order of their running
        if any(name in made for name in node.input):
            found.add(number)
            made.update(node.output)
    return found
