"""Opening a backend by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
    "onnxruntime-cuda-graph",
    "onnxruntime-tensorrt",
    "openvino",
    "openvino-bf16",
    "openvino-npu",
)

__all__ = ["BACKEND_NAMES", "open_backend"]


def open_backend(
    bundle: Bundle,
    name: str = "auto",
    *,
    file: str = SEGMENTER_FILE,
    threads: int | None = None,
    force: bool = False,
) -> Backend:
    """Load a graph of a bundle.

    ``name``, one of :data:`BACKEND_NAMES`:

    - ``tensorrt``: an engine of this machine's cache, built first if there is none (minutes);
    - ``onnxruntime-cpu``, ``onnxruntime-cuda`` (fails where CUDA does not really run),
      ``onnxruntime`` (CUDA where it runs, else the CPU), ``onnxruntime-cuda-graph`` (each run one
      CUDA graph), ``onnxruntime-tensorrt`` (its own TensorRT provider);
    - ``openvino``: on the CPU, computes as the graph says; ``openvino-bf16``: matrix products in
      bfloat16; ``openvino-npu``: on an Intel NPU, in half;
    - ``auto``: the fastest that loads here and agrees with ONNX Runtime on the CPU (see
      :mod:`.choice`; only for the segmenter, other graphs run on the CPU).

    ``threads``: how many the CPU may use inside one graph, None for the engine's choice.
    ``force``: also a backend that this processor only emulates (``openvino-bf16`` without bfloat16
    products), which is refused otherwise. ``backend.provider`` says what really runs. Raises
    :class:`~runtime.errors.UserError` for an unknown name or an engine that is not there, and
    :class:`~runtime.errors.BundleError` for a graph that does not load.
    """
    if threads is not None and threads < 1:
        raise UserError(f"threads is {threads}; expected a whole number of at least 1")
    if name not in BACKEND_NAMES:
        raise UserError(f"backend {name!r} is unknown; expected one of {', '.join(BACKEND_NAMES)}")
    path = bundle.file(file)
    if file == SEGMENTER_FILE:
        if name == "auto":
            return _open_fastest(bundle, threads)
        if name == "tensorrt":
            return _open_tensorrt(bundle, build=True)
        if name == "onnxruntime-tensorrt":
            from runtime.backends.onnxruntime.tensorrt_provider import open_tensorrt_provider

            return open_tensorrt_provider(bundle, threads)
    if name.startswith("openvino"):
        return _open_openvino(bundle, file, name, threads, force)
    return _open_onnxruntime(path, name, threads)


def _open_fastest(bundle: Bundle, threads: int | None) -> Backend:
    from runtime.backends.choice import open_fastest

    def open_candidate(chosen: str) -> Backend:
        if chosen == "tensorrt":  # nobody who says auto waits for a build
            return _open_tensorrt(bundle, build=False)
        return open_backend(bundle, chosen, threads=threads)

    return open_fastest(bundle, threads, open_candidate)


def _open_openvino(
    bundle: Bundle, file: str, name: str, threads: int | None, force: bool
) -> Backend:
    from runtime.backends.openvino import OpenVinoBackend

    path = bundle.file(file)
    if name == "openvino-npu":
        return OpenVinoBackend(path, "f16", device="NPU", padded=True)
    precision: Literal["bf16", "f32"] = "bf16" if name == "openvino-bf16" else "f32"
    digest = bundle.graph_sha256(file)
    return OpenVinoBackend(path, precision, threads, graph_sha256=digest, force=force)


def _open_onnxruntime(path: Path, name: str, threads: int | None) -> Backend:
    from runtime.backends.onnxruntime.backend import Device, OnnxRuntimeBackend

    devices: dict[str, Device] = {
        "onnxruntime": "auto",
        "onnxruntime-cuda": "cuda",
        "onnxruntime-cuda-graph": "cuda",
    }
    graph = name == "onnxruntime-cuda-graph"
    return OnnxRuntimeBackend(path, devices.get(name, "cpu"), threads, graph=graph)


def _open_tensorrt(bundle: Bundle, *, build: bool) -> Backend:
    from runtime.backends.tensorrt.backend import open_engine
    from runtime.backends.tensorrt.library import TensorRtMissingError
    from runtime.backends.tensorrt.progress import show_build

    try:
        with show_build("TensorRT engine") as progress:
            return open_engine(bundle, build=build, progress=progress)
    except TensorRtMissingError as error:
        raise UserError(f"backend tensorrt: {error}; or use backend='onnxruntime'") from error
