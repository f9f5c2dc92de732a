"""TensorRT engines at export time: the graph looked over, the engine built and kept."""

from __future__ import annotations

from export.targets.tensorrt.build import build_engine
from export.targets.tensorrt.compatibility import check_compatibility

__all__ = ["build_engine", "check_compatibility"]
