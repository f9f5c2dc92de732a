"""The ONNX operator sets that an export may use, and the one that a graph declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

LOWEST_OPSET = 18
HIGHEST_OPSET = 20  # JetPack 6 carries TensorRT 10.3, which reads up to opset 20
DEFAULT_OPSET = 20

# The two names of ONNX's own operators.
STANDARD_DOMAINS = frozenset({"", "ai.onnx"})


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of the default operator set that a graph declares."""
    return next(entry.version for entry in model.opset_import if entry.domain in STANDARD_DOMAINS)
