"""Graph rewrites, one a file: each changes an ONNX model in place and says whether it did."""

from __future__ import annotations
