"""TensorRT engines at export time: the graph looked over, the engine built and kept."""

from __future__ import annotations

from export.tensorrt.build import build_engine
from export.tensorrt.compatibility import check_compatibility

__all__ = ["build_engine", "check_compatibility"]
