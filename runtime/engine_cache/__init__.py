"""TensorRT engines, kept where they were built: they fit one GPU and one TensorRT version."""

from __future__ import annotations

from runtime.engine_cache.entry import EngineEntry
from runtime.engine_cache.holdings import Holding
from runtime.engine_cache.key import EngineKey
from runtime.engine_cache.store import EngineCache, parse_size

__all__ = ["EngineCache", "EngineEntry", "EngineKey", "Holding", "parse_size"]
