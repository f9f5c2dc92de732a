"""A graph of two nodes that shows whether an engine really computes.

A convolution and a matrix product, since on a GPU each needs a library of its own (cuDNN, cuBLAS)
that may be missing while the provider itself loads.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# An ONNX file, opset 17: c = Conv(x (1, 1, 4, 4), w (1, 1, 3, 3)); y (1, 1, 2, 2) = MatMul(c, c).
# The lean install has no package that writes one; tests/runtime/doctor/test_tiny_graph.py does.
_ENCODED = (
    "CAgSBG1nY2E6gQEKDwoBeAoBdxIBYyIEQ29udgoRCgFjCgFjEgF5IgZNYXRNdWwSBHRpbnlaGwoBeBIWChQIARIQCgIIAQoC"
    "CAEKAggECgIIBFobCgF3EhYKFAgBEhAKAggBCgIIAQoCCAMKAggDYhsKAXkSFgoUCAESEAoCCAEKAggBCgIIAgoCCAJCBAoA"
    "EBE="
)
#: What y is everywhere for ones: 9 from the convolution, and 9 * 9 twice from the product.
_ANSWER = 162.0

__all__ = ["describe_answer", "tiny_feeds", "tiny_graph"]


def tiny_graph() -> bytes:
    """The ONNX file."""
    return base64.b64decode(_ENCODED)


def tiny_feeds() -> dict[str, np.ndarray]:
    """Its inputs: float32, all ones."""
    import numpy as np

    return {"x": np.ones((1, 1, 4, 4), np.float32), "w": np.ones((1, 1, 3, 3), np.float32)}


def describe_answer(outputs: Mapping[str, np.ndarray]) -> str | None:
    """What is wrong with the engine's answer; None where nothing is."""
    import numpy as np

    values = np.asarray(outputs["y"], np.float32)
    # An engine may round to half or bfloat16; 162 is a number of both.
    if values.shape == (1, 1, 2, 2) and np.allclose(values, _ANSWER, rtol=0.01):
        return None
    return f"it computes {values.ravel().tolist()} where {_ANSWER:g} is right"
