"""Engines that run a bundle's graphs, behind one protocol (:class:`.protocol.Backend`)."""

from __future__ import annotations

from runtime.backends.open import BACKEND_NAMES, open_backend
from runtime.backends.protocol import Backend, TensorSpec

__all__ = ["BACKEND_NAMES", "Backend", "TensorSpec", "open_backend"]
