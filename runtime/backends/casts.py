"""Half precision on a processor that has none: told once, since the right bundle is quicker."""

from __future__ import annotations

import logging

from runtime.backends.abilities import computes_half
from runtime.backends.protocol import Backend
from runtime.bundle import Bundle

log = logging.getLogger(__name__)

__all__ = ["warn_of_casts"]


def warn_of_casts(bundle: Bundle, backend: Backend) -> None:
    """Warn of an fp16 graph that ONNX Runtime computes on this processor by casts around fp32."""
    if backend.name == "onnxruntime-cpu" and bundle.manifest.precision == "fp16":
        if not computes_half():
            log.warning(
                "%s is an fp16 bundle, which ONNX Runtime computes in fp32 on this processor: no "
                "faster, and it loads more slowly; use the fp32 or int8 bundle of the model here",
                bundle.manifest.model_id,
            )
