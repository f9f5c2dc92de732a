"""Which part of the model a node of a shipped graph belongs to: encoder, decoder, or units.

A shipped graph carries no record of its stages. Two cuts find them:

- the encoder is all that leads to its ends (:func:`benchmarks.latency.encoder_cut.encoder_ends`),
  the frame's normalization included;
- the decoder ends with the last tensor that every path from the encoder to the graph's outputs
  passes: the pixels' embeddings, of which units, their means and the pixels' own scores are made;
- units and scores are the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks.latency.encoder_cut import encoder_ends
from runtime.errors import UserError

if TYPE_CHECKING:
    import onnx

ENCODER, DECODER, UNITS = ("encoder", "decoder", "units and scores")
# The input that scores are made of.
_TEXT = "text"


class Cuts(NamedTuple):
    """Where a graph's parts end.

    Attributes:
        encoder: names of the tensors that the encoder hands on.
        decoder: name of the pixels' embeddings.
    """

    encoder: list[str]
    decoder: str


def find_cuts(model: onnx.ModelProto) -> Cuts:
    """Where the encoder and the decoder of an exported graph end.

    Args:
        model: weights named as ``python -m export`` names them; nodes in the order of running.

    Raises:
        UserError: a graph in which they cannot be told.
    """
    ends = encoder_ends(model)
    outputs = {value.name for value in model.graph.output}
    embeddings = _last_bottleneck(list(model.graph.node), ends, outputs) if ends else None
    if embeddings is None:
        raise UserError(
            "the graph does not name its weights after encoder and decoder, as python -m export "
            "does; export the bundle again"
        )
    return Cuts(ends, embeddings)


def assign_nodes(model: onnx.ModelProto) -> list[str]:
    """The part of each node of an exported graph, one of :data:`GRAPH_PARTS`, in their order.

    Raises:
        UserError: as :func:`find_cuts`.
    """
    cuts, nodes = find_cuts(model), list(model.graph.node)
    encoder = _leading_to(nodes, set(cuts.encoder))
    decoder = _leading_to(nodes, {cuts.decoder}) - encoder
    return [
        ENCODER if number in encoder else DECODER if number in decoder else UNITS
        for number in range(len(nodes))
    ]


def _leading_to(nodes: list[onnx.NodeProto], wanted: set[str]) -> set[int]:
    """Numbers of the nodes that make these tensors, directly or not."""
    needed, found = set(wanted), set()
    for number in reversed(range(len(nodes))):
        if needed.intersection(nodes[number].output):
            found.add(number)
            needed.update(nodes[number].input)
    return found


def _last_bottleneck(
    nodes: list[onnx.NodeProto], starts: list[str], outputs: set[str]
) -> str | None:
    """The last tensor that all which is made of ``starts`` passes on its way to the outputs."""
    last_read = {name: number for number, node in enumerate(nodes) for name in node.input}
    last_read.update(dict.fromkeys(outputs, len(nodes)))
    open_ones: set[str] = set()
    waiting, words = set(starts), {_TEXT}
    last: str | None = None
    for number, node in enumerate(nodes):
        reads = open_ones.intersection(node.input)
        if words.intersection(node.input):
            if reads:  # pixels meet words: no embeddings from here on
                break
            words.update(node.output)
        made = waiting.intersection(node.output) | (set(node.output) if reads else set())
        waiting -= made
        open_ones = {name for name in open_ones | made if last_read.get(name, -1) > number}
        if len(open_ones) == 1 and not waiting:
            (last,) = open_ones
    return last
