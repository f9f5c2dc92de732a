"""Opening a backend by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.bundle import SEGMENTER_FILE, Bundle
from runtime.errors import UserError

if TYPE_CHECKING:
    from runtime.backends.protocol import Backend

BACKEND_NAMES = ("auto", "onnxruntime", "onnxruntime-cpu", "onnxruntime-cuda")

__all__ = ["BACKEND_NAMES", "open_backend"]


def open_backend(
    bundle: Bundle,
    name: str = "auto",
    *,
    file: str = SEGMENTER_FILE,
    threads: int | None = None,
) -> Backend:
    """Load a graph of a bundle.

    ``name``: ``onnxruntime-cpu``, ``onnxruntime-cuda`` (fails where CUDA does not really run),
    ``onnxruntime`` (CUDA where it runs, else the CPU), ``auto`` (the same today; it is the name
    under which faster backends will be tried first). ``threads``: how many the CPU may use inside
    one graph, None for the engine's choice. ``backend.provider`` says what really runs. Raises
    :class:`UserError` for an unknown name or a provider that is not there, and
    :class:`BundleError` for a graph that does not load.
    """
    if threads is not None and threads < 1:
        raise UserError(f"threads is {threads}; expected a whole number of at least 1")
    if name not in BACKEND_NAMES:
        raise UserError(f"backend {name!r} is unknown; expected one of {', '.join(BACKEND_NAMES)}")
    from runtime.backends.onnxruntime import OnnxRuntimeBackend

    device = {"onnxruntime-cpu": "cpu", "onnxruntime-cuda": "cuda"}.get(name, "auto")
    return OnnxRuntimeBackend(bundle.file(file), device=device, threads=threads)
