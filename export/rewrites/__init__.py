"""Graph rewrites, one a file: each takes an ONNX model, changes it in place, says whether it did."""

from __future__ import annotations
