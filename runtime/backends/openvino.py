"""OpenVINO: faster than ONNX Runtime on most CPUs, and the way to NPUs; an extra of the package."""

from __future__ import annotations

import io
import logging
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from runtime.backends.abilities import computes_bfloat16, cpu_abilities
from runtime.backends.compiled_models import (
    compiled_key,
    drop_compiled,
    read_compiled,
    write_compiled,
)
from runtime.backends.onnxruntime.well_formed import expect_well_formed
from runtime.backends.protocol import ClosingBackend, TensorSpec, check_feeds, check_wanted
from runtime.backends.row_masks import repeat_row_masks
from runtime.environment import cpu_name, usable_cores
from runtime.errors import BundleError, MgcaError, UserError

if TYPE_CHECKING:
    import numpy as np

# What the extra "openvino" installs; said to the user in this form, since the name of an extra only
# means something beside the project's source.
REQUIREMENT = "openvino>=2025.0"

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


_NAMES = {
    ("CPU", "f32"): "openvino",
    ("CPU", "bf16"): "openvino-bf16",
    ("NPU", "f16"): "openvino-npu",
}
# Devices without dynamic sides get so many rows of text at least, then powers of two.
_LEAST_ROWS = 32
# Part of a compiled graph's key: what was rewritten otherwise before is compiled anew.
_REWRITES = 1


log = logging.getLogger(__name__)


class OpenVinoBackend(ClosingBackend):
    """One ONNX file compiled by OpenVINO.

    ``precision``: ``f32`` computes as the graph says; ``bf16`` lets matrix products run in
    bfloat16, twice as fast where the CPU has it, with labels that differ near ties. OpenVINO
    would choose bf16 by itself wherever it is faster: here it is never chosen unasked. ``f16`` is
    what an NPU computes in. ``device``: ``CPU`` or ``NPU`` (:class:`UserError` where OpenVINO sees
    none). ``padded``: compile for fixed shapes, as NPUs want it: rows of text are filled up with
    zeros to the next power of two, one compiled model each, and cut off the outputs again.
    ``graph_sha256``: the digest of the file and its weights; with it, what is compiled for the CPU
    is kept in the cache. ``force``: also in bfloat16 on a CPU that has no such products, where
    OpenVINO emulates them, many times slower than fp32, or (with AVX2 alone) computes in fp32 after
    all; otherwise a :class:`UserError`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        precision: Literal["f32", "bf16", "f16"] = "f32",
        threads: int | None = None,
        *,
        device: Literal["CPU", "NPU"] = "CPU",
        padded: bool = False,
        graph_sha256: str | None = None,
        force: bool = False,
    ) -> None:
        openvino = import_openvino()
        self.name = _NAMES[device, precision]
        core, version, devices = start_openvino(openvino, self.name)
        if device not in devices:
            raise UserError(
                f"backend {self.name}: OpenVINO {version} sees no {device} here (only "
                f"{', '.join(devices)}); install its driver, or use openvino"
            )
        if precision == "bf16" and not force:
            _expect_bfloat16(core, self.name)
        options = _options(device, precision, threads)
        self._padded = padded
        self._requests: dict[int | None, Any] = {}
        self._compile: Callable[[int | None], Any] | None = None
        try:
            key = None
            if device == "CPU" and not padded and graph_sha256 is not None:
                key = _compiled_key(Path(path), graph_sha256, version, options)
            compiled = None if key is None else self._import(core, key, device, options)
            if compiled is None:
                compiled = self._read_and_compile(openvino, core, path, device, options)
                if key is not None:
                    self._keep(key, compiled)
            running = _running(compiled)
            self._requests[_LEAST_ROWS if padded else None] = compiled.create_infer_request()
        except BundleError:
            raise
        except Exception as error:  # OpenVINO raises bare RuntimeErrors
            raise BundleError(
                f"{os.fspath(path)} cannot be loaded by OpenVINO {version} "
                f"({first_line(error)}); use another backend"
            ) from error
        self.provider = f"OpenVINO {running}"

    def _read_and_compile(
        self,
        openvino: Any,
        core: Any,
        path: str | os.PathLike[str],
        device: str,
        options: dict[str, Any],
    ) -> Any:
        expect_well_formed(path)
        model = core.read_model(os.fspath(path))
        if self.name == _NAMES["CPU", "bf16"]:
            repeat_row_masks(openvino, model)
        # Compiling may merge tensors, and names with them: they are read before.
        self.inputs = {item.get_any_name(): _spec(item) for item in model.inputs}
        self.outputs = {item.get_any_name(): _spec(item) for item in model.outputs}

        def compile_for(rows: int | None) -> Any:
            if rows is not None:
                model.reshape({name: _fixed(spec, rows) for name, spec in self.inputs.items()})
            return core.compile_model(model, device, options)

        if self._padded:
            self._compile = compile_for  # once more for each number of rows
        return compile_for(_LEAST_ROWS if self._padded else None)

    def _import(self, core: Any, key: str, device: str, options: dict[str, Any]) -> Any:
        """What an earlier start compiled, or None."""
        kept = read_compiled(key)
        if kept is None:
            return None
        blob, record = kept
        try:
            self.inputs, self.outputs = (_specs(record[side]) for side in ("inputs", "outputs"))
            return core.import_model(io.BytesIO(blob), device, options)
        except Exception as error:  # whatever OpenVINO raises, or a record of another form
            log.info("a compiled graph is not taken and made again: %s", first_line(error))
            drop_compiled(key)
            return None

    def _keep(self, key: str, compiled: Any) -> None:
        blob = io.BytesIO()
        try:
            compiled.export_model(blob)
        except Exception as error:  # a version that cannot: it compiles at every start
            log.info("OpenVINO does not export what it compiled: %s", first_line(error))
            return
        tensors = {"inputs": self.inputs, "outputs": self.outputs}
        sides = {
            side: {name: [spec.dtype, list(spec.shape)] for name, spec in specs.items()}
            for side, specs in tensors.items()
        }
        write_compiled(key, blob.getvalue(), sides)

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Run once; see :class:`runtime.backends.protocol.Backend`."""
        if not self._requests:
            raise MgcaError("this backend has been closed; open it again to run it")
        check_feeds(self.inputs, feeds)
        names = check_wanted(self.outputs, outputs)
        rows = _rows_of(self.inputs, feeds)
        room = _room_for(rows) if self._padded else None
        try:
            request = self._requests.get(room)
            if request is None:
                assert self._compile is not None
                request = self._requests[room] = self._compile(room).create_infer_request()
            request.infer([_filled(feeds[name], self.inputs[name], room) for name in self.inputs])
        except Exception as error:  # OpenVINO raises bare RuntimeErrors
            raise MgcaError(
                f"the graph failed on {self.provider}: {first_line(error)}; try another backend"
            ) from error
        # The request's tensors are overwritten by the next run; the caller's must not be.
        places = {name: place for place, name in enumerate(self.outputs)}
        found = {name: request.get_output_tensor(places[name]).data for name in names}
        if self._padded:
            found = {name: _cut(array, self.outputs[name], rows) for name, array in found.items()}
        return {name: array.copy() for name, array in found.items()}

    def close(self) -> None:
        """Let go of the compiled models and their memory; a second call does nothing."""
        self._requests.clear()
        self._compile = None


def install_line(*, again: bool = False) -> str:
    """What installs OpenVINO; ``again``: over a package that is there and broken."""
    return f"pip install {'--force-reinstall ' if again else ''}'{REQUIREMENT}'"


def import_openvino() -> Any:
    """The package; :class:`UserError` where it is missing or broken, with the line to install."""
    # Importing openvino sends a usage event from a child process; without this module it uses
    # its own stub for it. Nothing of ours calls home.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise UserError(
            f"backend openvino needs the package openvino ({error}); "
            f"install it with {install_line()}, or use onnxruntime-cpu"
        ) from error
    except Exception as error:  # a package that is there and broken raises what it likes
        raise _broken("openvino", error) from error
    return openvino


def start_openvino(openvino: Any, name: str) -> tuple[Any, str, list[str]]:
    """OpenVINO's core, its version, and the devices it sees."""
    try:
        core = openvino.Core()
        return core, str(openvino.__version__), list(core.available_devices)
    except Exception as error:  # a driver that fails, or a package of which half is there
        raise _broken(name, error) from error


def _running(compiled: Any) -> str:
    """Devices and precision that a compiled model really runs with, such as ``CPU f32``."""
    precision = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    return f"{'+'.join(compiled.get_property('EXECUTION_DEVICES'))} {precision}"


def _broken(name: str, error: Exception) -> UserError:
    return UserError(
        f"backend {name}: the package openvino is here but does not work "
        f"({type(error).__name__}: {first_line(error)}); install it again with "
        f"{install_line(again=True)}, or use onnxruntime-cpu"
    )


def _expect_bfloat16(core: Any, name: str) -> None:
    """Refuse a CPU of which neither OpenVINO nor the system says that it multiplies bfloat16."""
    try:
        native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except Exception as error:  # OpenVINO raises bare RuntimeErrors
        raise _broken(name, error) from error
    if not native and not computes_bfloat16():
        raise UserError(
            f"backend {name}: this processor ({cpu_name()}) does not multiply in bfloat16 (x86: "
            "avx512_bf16 or amx_bf16, Arm: bf16); OpenVINO would emulate it, many times slower "
            "than fp32, or compute in fp32 after all; use openvino, or force it with "
            "--force-backend (force_backend=True)"
        )


def _compiled_key(
    path: Path, graph_sha256: str, version: str, options: Mapping[str, Any]
) -> str | None:
    processor = [platform.machine(), cpu_name(), *cpu_abilities(), usable_cores()]
    parts = {
        "openvino": version,
        "options": dict(options),
        "processor": processor,
        "rewrites": _REWRITES,
    }
    return compiled_key(path, graph_sha256, parts)


def _specs(record: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {name: TensorSpec(dtype, tuple(shape)) for name, (dtype, shape) in record.items()}


def _options(device: str, precision: str, threads: int | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
    }
    if device == "CPU":
        # Decoding and writing share the cores: a pinned thread would wait for its own.
        options["ENABLE_CPU_PINNING"] = False
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
    return options


def _room_for(rows: int) -> int:
    """The rows that a model with fixed shapes is compiled for.

    >>> [_room_for(rows) for rows in (1, 32, 33, 512)]
    [32, 32, 64, 512]
    """
    return max(_LEAST_ROWS, 1 << (rows - 1).bit_length())


def _rows_of(specs: Mapping[str, TensorSpec], feeds: Mapping[str, np.ndarray]) -> int:
    """The size of the free side (0 in a graph without one)."""
    for name, spec in specs.items():
        for side, found in zip(spec.shape, feeds[name].shape, strict=True):
            if isinstance(side, str):
                return int(found)
    return 0


def _fixed(spec: TensorSpec, rows: int) -> list[int]:
    return [rows if isinstance(side, str) else side for side in spec.shape]


def _filled(array: np.ndarray, spec: TensorSpec, room: int | None) -> np.ndarray:
    """The array as the model takes it: contiguous, its free side filled up with zeros."""
    import numpy as np

    if room is None or not any(isinstance(side, str) for side in spec.shape):
        return np.ascontiguousarray(array)
    filled = np.zeros(_fixed(spec, room), array.dtype)
    filled[tuple(slice(side) for side in array.shape)] = array
    return filled


def _cut(array: np.ndarray, spec: TensorSpec, rows: int) -> np.ndarray:
    """The array without what filling up added."""
    return array[tuple(slice(rows if isinstance(side, str) else None) for side in spec.shape)]


def _spec(item: Any) -> TensorSpec:
    shape = tuple(
        f"?{axis}" if side.is_dynamic else side.get_length()
        for axis, side in enumerate(item.get_partial_shape())
    )
    kind = item.get_element_type().get_type_name()
    return TensorSpec(_DTYPES.get(kind, kind), shape)


def first_line(error: Exception) -> str:
    """What went wrong, without the source positions that OpenVINO puts in front."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Exception from", "Check "))]
    return (told or lines or [type(error).__name__])[0]
