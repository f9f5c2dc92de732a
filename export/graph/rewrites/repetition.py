"""A rewrite made of steps that each change one place of a graph."""

from __future__ import annotations

from collections.abc import Callable

import onnx

from export.graph.rewrites.drop_unused_weights import drop_unused_weights


def repeat_steps(model: onnx.ModelProto, *steps: Callable[[onnx.ModelProto], bool]) -> bool:
    """Apply the first step that finds something to change, until none does.

    Args:
        model: the graph; changed in place, weights that nobody reads any more are removed.
        steps: each changes one place and returns True, or finds none and returns False. Every
            change must bring the graph closer to one that no step changes.

    Returns:
        Whether anything changed.
    """
    changed = False
    while any(step(model) for step in steps):
        changed = True
    return drop_unused_weights(model) or changed
