"""OpenVINO: faster than ONNX Runtime on most x86-64 and Arm CPUs; an extra of the installation."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from runtime.backends.protocol import ClosingBackend, TensorSpec, check_feeds, check_wanted
from runtime.errors import BundleError, MgcaError, UserError

if TYPE_CHECKING:
    import numpy as np

_DTYPES = {
    "f32": "float32",
    "f16": "float16",
    "f64": "float64",
    "u8": "uint8",
    "i8": "int8",
    "i32": "int32",
    "i64": "int64",
    "boolean": "bool",
}


class OpenVinoBackend(ClosingBackend):
    """One ONNX file compiled by OpenVINO for the CPU.

    ``precision``: ``f32`` computes as the graph says; ``bf16`` lets matrix products run in
    bfloat16, twice as fast where the CPU has it, with labels that differ near ties. OpenVINO
    would choose bf16 by itself wherever it is faster: here it is never chosen unasked.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        precision: Literal["f32", "bf16"] = "f32",
        threads: int | None = None,
    ) -> None:
        # Importing openvino sends a usage event from a child process; without this module it uses
        # its own stub for it. Nothing of ours calls home.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        try:
            import openvino
        except ImportError as error:
            raise UserError(
                f"backend openvino needs the package openvino ({error}); "
                "install it with pip install 'mgca[openvino]', or use onnxruntime-cpu"
            ) from error
        self.name = "openvino" if precision == "f32" else f"openvino-{precision}"
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            # Decoding and writing share the cores: a pinned thread would wait for its own.
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            model = core.read_model(os.fspath(path))
            # Compiling may merge tensors, and names with them: they are read before.
            self.inputs = {item.get_any_name(): _spec(item) for item in model.inputs}
            self.outputs = {item.get_any_name(): _spec(item) for item in model.outputs}
            compiled = core.compile_model(model, "CPU", options)
        except Exception as error:  # OpenVINO raises bare RuntimeErrors
            raise BundleError(
                f"{os.fspath(path)} cannot be loaded by OpenVINO {openvino.__version__} "
                f"({_first_line(error)}); use another --backend"
            ) from error
        running = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        devices = "+".join(compiled.get_property("EXECUTION_DEVICES"))
        self.provider = f"OpenVINO {devices} {running}"
        self._request: Any = compiled.create_infer_request()

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Run once; see :class:`runtime.backends.protocol.Backend`."""
        import numpy as np

        if self._request is None:
            raise MgcaError("this backend has been closed; open it again to run it")
        check_feeds(self.inputs, feeds)
        names = check_wanted(self.outputs, outputs)
        try:
            self._request.infer([np.ascontiguousarray(feeds[name]) for name in self.inputs])
        except Exception as error:  # OpenVINO raises bare RuntimeErrors
            raise MgcaError(
                f"the graph failed on {self.provider}: {_first_line(error)}; try another --backend"
            ) from error
        # The request's tensors are overwritten by the next run; the caller's must not be.
        places = {name: place for place, name in enumerate(self.outputs)}
        return {name: self._request.get_output_tensor(places[name]).data.copy() for name in names}

    def close(self) -> None:
        """Let go of the compiled model and its memory; a second call does nothing."""
        self._request = None


def _spec(item: Any) -> TensorSpec:
    shape = tuple(
        f"?{axis}" if side.is_dynamic else side.get_length()
        for axis, side in enumerate(item.get_partial_shape())
    )
    kind = item.get_element_type().get_type_name()
    return TensorSpec(_DTYPES.get(kind, kind), shape)


def _first_line(error: Exception) -> str:
    """What went wrong, without the source positions that OpenVINO puts in front."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Exception from", "Check "))]
    return (told or lines or [type(error).__name__])[0]
