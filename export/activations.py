"""Whether an exported graph computes the activation that its weights were trained with.

The parity gate cannot see it: its reference is built from the same modules as the graph.
"""

from __future__ import annotations

from collections import Counter

from export.graph.staged_graph import StagedGraph
from export.graph.stages import is_among
from export.progress import say
from export.source import ExportSource
from runtime.errors import MgcaError
from training.model.activation import activation_of_tag
from training.model.timm import TimmTower

# QuickGELU is x * Sigmoid(1.702 x); GELU is an operator from opset 20 on, and Erf before.
_NODES = {"Sigmoid": "quickgelu", "Gelu": "gelu", "Erf": "gelu"}

__all__ = ["check_activation", "count_activations"]


def count_activations(graph: StagedGraph, stage: str) -> Counter[str]:
    """How many activations of either kind (``quickgelu``, ``gelu``) a stage of a graph computes."""
    return Counter(
        _NODES[node.op_type]
        for node in graph.model.graph.node
        if node.op_type in _NODES and is_among(graph.stages[node.name], (stage,))
    )


def check_activation(source: ExportSource, image: StagedGraph, text: StagedGraph | None) -> None:
    """See that both towers compute what the manifest is going to say, and that this is right.

    A checkpoint keeps what its decoder was trained on, even where its tag's weights are of the
    other kind: that is said, not refused.

    Args:
        source: what is exported.
        image: the traced segmenter.
        text: the traced text encoder, or None.

    Raises:
        MgcaError: they do not.
    """
    clip = source.clip_info
    for tower, graph, stage in (("image", image, "encoder"), ("text", text, "text")):
        found = count_activations(graph, stage) if graph is not None else Counter()
        others = {kind: count for kind, count in found.items() if kind != clip.activation}
        if tower == "image" and _is_gated(source):
            others.pop("quickgelu", None)  # what its gates are put through
        if others:
            said = ", ".join(f"{count} x {kind}" for kind, count in sorted(others.items()))
            raise MgcaError(
                f"the {tower} tower's graph computes {said}, {clip.name} has {clip.activation}: a "
                "fault of the export"
            )
    right = activation_of_tag(clip.name, clip.pretrained)
    if right in (None, clip.activation):
        return
    mismatch = f"weights '{clip.pretrained}' were trained with {right}, not {clip.activation}"
    if source.decoder_weights is None:
        raise MgcaError(f"{mismatch}: a fault of the export")
    say(f"{mismatch}; the checkpoint's decoder was trained on the latter, so it stays")


def _is_gated(source: ExportSource) -> bool:
    """Whether the image tower's MLPs have gates (EVA-02), through a sigmoid of their own."""
    visual = getattr(source.encoder, "visual", None)
    return isinstance(visual, TimmTower) and visual.is_gated
