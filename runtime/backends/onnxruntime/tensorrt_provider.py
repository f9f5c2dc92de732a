"""ONNX Runtime's TensorRT provider, where its libnvinfer is there: TensorRT 10 only."""

from __future__ import annotations

import ctypes
from pathlib import Path

from runtime.backends.devices import cuda_devices
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.backends.tensorrt.cache import EngineCache
from runtime.backends.tensorrt.settings import TEXT_INPUT, EngineSettings
from runtime.bundle import SEGMENTER_FILE, Bundle
from runtime.cache import record_key
from runtime.errors import UserError

# What onnxruntime-gpu's provider is linked to; TensorRT 11 does not serve it.
_LIBRARY = "libnvinfer.so.10"
_INSTEAD = "use backend='tensorrt' (any TensorRT from 10.3 to 11) or onnxruntime-cuda"

__all__ = ["open_tensorrt_provider"]


def open_tensorrt_provider(bundle: Bundle, threads: int | None) -> OnnxRuntimeBackend:
    """The segmenter on ONNX Runtime's TensorRT provider; :class:`UserError` where it cannot run.

    fp16 bundles are refused: the provider builds weakly typed networks, in which TensorRT may
    round what the graph keeps in fp32.
    """
    import onnxruntime

    if bundle.manifest.precision not in ("fp32", "int8-static"):
        raise UserError(
            f"backend onnxruntime-tensorrt: a {bundle.manifest.precision} graph would not keep its "
            f"types there; {_INSTEAD}"
        )
    if not cuda_devices():
        raise UserError(f"backend onnxruntime-tensorrt: no GPU answers here; {_INSTEAD}")
    version = _library_version()
    # The provider's own cache does not notice another graph, GPU or TensorRT: a folder for each.
    key = record_key(
        {
            "onnx_sha256": bundle.graph_sha256(SEGMENTER_FILE),
            "onnxruntime": onnxruntime.__version__,
            "tensorrt": version,
            "gpus": cuda_devices(),
        }
    )
    cache = EngineCache()
    options = _options(bundle, cache.provider_folder(key))
    backend = OnnxRuntimeBackend(
        bundle.file(SEGMENTER_FILE), "tensorrt", threads, provider_options=options
    )
    cache.make_room(keep=key)  # the engine has been built by now, and weighs what it weighs
    return backend


def _library_version() -> int:
    """TensorRT's version as one number, such as 101300; UserError where it cannot be loaded."""
    try:
        return int(ctypes.CDLL(_LIBRARY).getInferLibVersion())
    except (OSError, AttributeError) as error:
        raise UserError(
            f"backend onnxruntime-tensorrt: {_LIBRARY} cannot be loaded ({error}); {_INSTEAD}"
        ) from None


def _options(bundle: Bundle, folder: Path) -> dict[str, str]:
    """What the provider is told: where to keep its engine, and for how many words to build it."""
    width = bundle.manifest.embedding_width
    least, usual, most = EngineSettings().words
    return {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        "trt_int8_enable": str(int(bundle.manifest.precision == "int8-static")),
        "trt_profile_min_shapes": f"{TEXT_INPUT}:{least}x{width}",
        "trt_profile_opt_shapes": f"{TEXT_INPUT}:{usual}x{width}",
        "trt_profile_max_shapes": f"{TEXT_INPUT}:{most}x{width}",
    }
