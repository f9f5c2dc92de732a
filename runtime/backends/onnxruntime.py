"""ONNX Runtime: the backend that runs everywhere, on the CPU or on CUDA."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runtime.backends.devices import cuda_devices
from runtime.backends.protocol import ClosingBackend, TensorSpec, check_feeds, check_wanted
from runtime.errors import BundleError, MgcaError, UserError

if TYPE_CHECKING:
    import numpy as np

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}


class OnnxRuntimeBackend(ClosingBackend):
    """One ONNX file in one session.

    ``device``: ``cpu``; ``cuda`` (a :class:`UserError` where CUDA does not really run: ONNX Runtime
    itself would fall back to the CPU without a word); ``auto`` (CUDA where it runs). ``name`` says
    which of the two it became. ``threads``: intra-op threads, None for one a physical core.
    """

    def __init__(
        self, path: str | os.PathLike[str], device: str = "auto", threads: int | None = None
    ) -> None:
        import onnxruntime

        self._session: Any = _open_session(onnxruntime, os.fspath(path), device, threads)
        # Asked, not assumed: the providers compiled in are not the ones that run.
        self.provider: str = self._session.get_providers()[0]
        self.name = "onnxruntime-cuda" if self.provider == CUDA else "onnxruntime-cpu"
        if device == "cuda" and self.provider != CUDA:
            raise UserError(
                f"backend onnxruntime-cuda: CUDA does not run here ({self.provider} took over); "
                "install the CUDA and cuDNN that this onnxruntime-gpu needs, or use onnxruntime-cpu"
            )
        self.inputs = {item.name: _spec(item) for item in self._session.get_inputs()}
        self.outputs = {item.name: _spec(item) for item in self._session.get_outputs()}

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Run once; see :class:`runtime.backends.protocol.Backend`."""
        if self._session is None:
            raise MgcaError("this backend has been closed; open it again to run it")
        check_feeds(self.inputs, feeds)
        names = check_wanted(self.outputs, outputs)
        try:
            values = self._session.run(list(names), dict(feeds))
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            raise MgcaError(
                f"the graph failed on {self.provider}: {error}; try another --backend"
            ) from error
        return dict(zip(names, values, strict=True))

    def close(self) -> None:
        """Let go of the session and its memory; a second call does nothing."""
        self._session = None


def _open_session(onnxruntime: Any, path: str, device: str, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: warnings would mix with the command's own log
    # Decoding and drawing share the cores: a thread that spins between frames takes them away.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    providers: list[Any] = [CPU]
    if device != "cpu" and CUDA in onnxruntime.get_available_providers() and cuda_devices():
        if hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()
        # TF32 is CUDA's default and not what an fp32 graph says: fp16 bundles are the fast way.
        providers.insert(0, (CUDA, {"use_tf32": "0"}))
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # ONNX Runtime's errors share no base class of their own
        raise BundleError(
            f"{path} cannot be loaded by ONNX Runtime {onnxruntime.__version__} ({error}); "
            "export the bundle again with python -m export"
        ) from error


def _spec(item: Any) -> TensorSpec:
    shape = tuple(
        side if isinstance(side, (int, str)) else f"?{axis}" for axis, side in enumerate(item.shape)
    )
    return TensorSpec(_DTYPES.get(item.type, item.type), shape)
