"""ONNX Runtime: the backend that runs everywhere, on the CPU or on CUDA."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from runtime.backends.devices import cuda_devices
from runtime.backends.onnxruntime.binding import BoundTensors
from runtime.backends.onnxruntime.installed import cuda_remedy
from runtime.backends.protocol import ClosingBackend, TensorSpec, check_feeds, check_wanted
from runtime.errors import BundleError, MgcaError, UserError

if TYPE_CHECKING:
    import numpy as np

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
Device = Literal["cpu", "cuda", "auto", "tensorrt"]
_NAMES = {CUDA: "onnxruntime-cuda", TENSORRT: "onnxruntime-tensorrt"}

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
    itself would fall back to the CPU without a word); ``auto`` (CUDA where it runs); ``tensorrt``
    (ONNX Runtime's own TensorRT provider, with ``provider_options``). ``name`` says which it
    became. ``threads``: intra-op threads, None for one a physical core. On a GPU, inputs and
    outputs stay in device memory that is allocated once for each number of text rows; with
    ``graph`` the whole run is captured as one CUDA graph.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        device: Device = "auto",
        threads: int | None = None,
        *,
        graph: bool = False,
        provider_options: Mapping[str, str] | None = None,
    ) -> None:
        import onnxruntime

        providers = _providers(onnxruntime, device, graph, provider_options or {})
        self._session: Any = _open_session(onnxruntime, os.fspath(path), providers, threads)
        # Asked, not assumed: the providers compiled in are not the ones that run.
        self.provider: str = self._session.get_providers()[0]
        wanted = {"cuda": CUDA, "tensorrt": TENSORRT}.get(device, self.provider)
        if self.provider != wanted:
            what = "CUDA" if wanted == CUDA else "TensorRT"
            raise UserError(
                f"backend {_NAMES[wanted]}: {what} does not run here ({self.provider} took over); "
                f"{cuda_remedy()}; or use onnxruntime-cpu"
            )
        self.name = _NAMES.get(self.provider, "onnxruntime-cpu") + ("-graph" if graph else "")
        self.inputs = {item.name: _spec(item) for item in self._session.get_inputs()}
        self.outputs = {item.name: _spec(item) for item in self._session.get_outputs()}
        self._bound: BoundTensors | None = None
        if self.provider != CPU:
            self._bound = BoundTensors(
                onnxruntime, self._session, self.inputs, self.outputs, "cuda", graph
            )

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Run once; see :class:`runtime.backends.protocol.Backend`."""
        if self._session is None:
            raise MgcaError("this backend has been closed; open it again to run it")
        check_feeds(self.inputs, feeds)
        names = check_wanted(self.outputs, outputs)
        try:
            if self._bound is not None:
                return self._bound.run(feeds, names)
            # What a session returns lies in its arena, and the caller may keep it beyond the next
            # run, which would then need new memory beside it. A copy lets the arena be used again.
            values = [value.copy() for value in self._session.run(list(names), dict(feeds))]
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            raise MgcaError(
                f"the graph failed on {self.provider}: {error}; try another backend"
            ) from error
        return dict(zip(names, values, strict=True))

    def close(self) -> None:
        """Let go of the session and its memory; a second call does nothing."""
        self._bound = None
        self._session = None


def _providers(
    onnxruntime: Any, device: Device, graph: bool, options: Mapping[str, str]
) -> list[Any]:
    """The providers to ask for, the CPU always last."""
    wanted = TENSORRT if device == "tensorrt" else CUDA
    if device == "cpu" or wanted not in onnxruntime.get_available_providers():
        return [CPU]
    if not cuda_devices():
        return [CPU]
    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    # TF32 is CUDA's default and not what an fp32 graph says: fp16 bundles are the fast way.
    cuda = (CUDA, {"use_tf32": "0", "enable_cuda_graph": str(int(graph))})
    return [(TENSORRT, dict(options)), cuda, CPU] if wanted == TENSORRT else [cuda, CPU]


def _open_session(onnxruntime: Any, path: str, providers: list[Any], threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: warnings would mix with the command's own log
    # Decoding and drawing share the cores: a thread that spins between frames takes them away.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # With the pattern of the first run a second arena is laid out beside the first: as fast, and a
    # good deal more memory.
    options.enable_mem_pattern = False
    if providers == [CPU]:
        # Buffers that are planned to be used again are held from the first use to the last, even
        # while nothing needs them. Taken from the arena and given back each time, they need less.
        options.enable_mem_reuse = False
    if threads is not None:
        options.intra_op_num_threads = threads
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
