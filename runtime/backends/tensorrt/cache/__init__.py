"""TensorRT engines, kept where they were built: they fit one GPU and one TensorRT version."""

from __future__ import annotations

from runtime.backends.tensorrt.cache.entry import EngineEntry
from runtime.backends.tensorrt.cache.holdings import Holding
from runtime.backends.tensorrt.cache.key import EngineKey
from runtime.backends.tensorrt.cache.store import EngineCache, parse_size

__all__ = ["EngineCache", "EngineEntry", "EngineKey", "Holding", "parse_size"]
