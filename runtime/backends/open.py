"""Opening a backend by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.bundle import SEGMENTER_FILE, Bundle
from runtime.errors import UserError

if TYPE_CHECKING:
    from runtime.backends.protocol import Backend

BACKEND_NAMES = (
    "auto",
    "tensorrt",
    "onnxruntime",
    "onnxruntime-cpu",
    "onnxruntime-cuda",
    "openvino",
    "openvino-bf16",
)

__all__ = ["BACKEND_NAMES", "open_backend"]


def open_backend(
    bundle: Bundle,
    name: str = "auto",
    *,
    file: str = SEGMENTER_FILE,
    threads: int | None = None,
) -> Backend:
    """Load a graph of a bundle.

    ``name``: ``tensorrt`` (an engine of this machine's cache, built first if there is none, which
    takes minutes); ``onnxruntime-cpu``; ``onnxruntime-cuda`` (fails where CUDA does not really run);
    ``onnxruntime`` (CUDA where it runs, else the CPU); ``openvino`` (CPU, computes as the graph
    says); ``openvino-bf16`` (CPU, matrix products in bfloat16); ``auto``: the fastest that loads
    here and agrees with ONNX Runtime on the CPU (see :mod:`.choice`; only for the segmenter, other
    graphs run on the CPU). ``threads``: how many the CPU may use inside one graph, None for the
    engine's choice. ``backend.provider`` says what really runs. Raises
    :class:`~runtime.errors.UserError` for an unknown name or an engine that is not there, and
    :class:`~runtime.errors.BundleError` for a graph that does not load.
    """
    if threads is not None and threads < 1:
        raise UserError(f"threads is {threads}; expected a whole number of at least 1")
    if name not in BACKEND_NAMES:
        raise UserError(f"backend {name!r} is unknown; expected one of {', '.join(BACKEND_NAMES)}")
    path = bundle.file(file)
    if name == "auto" and file == SEGMENTER_FILE:
        from runtime.backends.choice import open_fastest

        return open_fastest(
            bundle, threads, lambda chosen: open_backend(bundle, chosen, threads=threads)
        )
    if name == "tensorrt" and file == SEGMENTER_FILE:
        return _open_tensorrt(bundle)
    if name in ("openvino", "openvino-bf16"):
        from runtime.backends.openvino import OpenVinoBackend

        return OpenVinoBackend(path, "bf16" if name == "openvino-bf16" else "f32", threads)
    from runtime.backends.onnxruntime import OnnxRuntimeBackend

    device = {"onnxruntime-cuda": "cuda", "onnxruntime": "auto"}.get(name, "cpu")
    return OnnxRuntimeBackend(path, device=device, threads=threads)


def _open_tensorrt(bundle: Bundle) -> Backend:
    from runtime.backends.tensorrt import open_engine
    from runtime.backends.tensorrt_library import TensorRtMissingError

    try:
        return open_engine(bundle)
    except TensorRtMissingError as error:
        raise UserError(f"backend tensorrt: {error}; or use --backend onnxruntime") from error
