"""A bundle's graph as a file: how many operations a run of it takes, without torch.

Needs the package ``onnx``, which the lean install has not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runtime.bundle import SEGMENTER_FILE, Bundle
from runtime.errors import UserError

if TYPE_CHECKING:
    import onnx


def read_graph(path: Path, *, weights: bool = True) -> onnx.ModelProto:
    """Load an ONNX file.

    Args:
        path: of the file.
        weights: those in files beside it too.

    Raises:
        UserError: the package ``onnx`` is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise UserError(
            "this needs the package onnx, which is not installed; pip install onnx"
        ) from None
    return onnx.load(str(path), load_external_data=weights)


def count_flops(bundle: Bundle, words: int) -> int:
    """Floating-point (or whole-number) operations of one run of a bundle's graph.

    Counted as the export counts them: matrix products and convolutions, 2 a multiply-add.

    Args:
        bundle: whose segmenter is counted.
        words: rows of text.

    Raises:
        UserError: the package ``onnx`` is not installed.
    """
    model = read_graph(bundle.path / SEGMENTER_FILE, weights=False)
    from export.graph.cost import measure_cost

    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"node {number}"
    costs = measure_cost(model, {node.name: "graph" for node in model.graph.node}, {"K": words})
    return sum(cost.flops for cost in costs.values())
