"""How fast this machine multiplies matrices, measured with the engines that run the frames.

What a graph could reach at best: one large product, by the fastest engine that is installed. A rate
in bf16 that is no higher than fp32's belongs to a processor that only emulates it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.backends.openvino import OpenVinoBackend
from runtime.backends.protocol import Backend
from runtime.errors import MgcaError, describe_error

if TYPE_CHECKING:
    import onnx

PRECISIONS = ("fp32", "bf16", "int8")
_SIDE = 1024
_SECONDS = 0.5
_RUNS = 5

Opener = Callable[[str, "int | None"], Backend]

_OPENERS: dict[str, dict[str, tuple[str, Opener]]] = {
    "fp32": {
        "ONNX Runtime": ("float", lambda path, threads: OnnxRuntimeBackend(path, "cpu", threads)),
        "OpenVINO": ("float", lambda path, threads: OpenVinoBackend(path, "f32", threads)),
    },
    "bf16": {
        "OpenVINO": ("float", lambda path, threads: OpenVinoBackend(path, "bf16", threads)),
    },
    "int8": {
        "ONNX Runtime": ("whole", lambda path, threads: OnnxRuntimeBackend(path, "cpu", threads)),
        "OpenVINO": ("quantized", lambda path, threads: OpenVinoBackend(path, "f32", threads)),
    },
}


def measure_rates(
    threads: int | None,
    side: int = _SIDE,
    seconds: float = _SECONDS,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, dict[str, Any]]:
    """Billions of operations a second of a square matrix product, 2 a multiply-add.

    Args:
        threads: of the engines; None for their choice.
        side: rows and columns.
        seconds: spent on each engine at least, and five runs; the fastest run counts.
        clock: that a run is timed with, in seconds; ``time.process_time`` fits one thread where
            other programs run too.

    Returns:
        For each of :data:`PRECISIONS`: ``gflops`` and ``engine`` of the fastest engine (None where
        none runs it), and ``absent``: engine to reason.

    Raises:
        ImportError: the package ``onnx`` is not installed.
    """
    import onnx

    rates: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for form, build in (("float", _float), ("whole", _whole), ("quantized", _quantized)):
            onnx.save(build(side), str(Path(folder) / f"{form}.onnx"))
        for precision in PRECISIONS:
            found: dict[str, float] = {}
            absent: dict[str, str] = {}
            for engine, (form, opener) in _OPENERS[precision].items():
                try:
                    with opener(str(Path(folder) / f"{form}.onnx"), threads) as backend:
                        _expect(precision, backend)
                        found[engine] = _rate(backend, side, seconds, clock)
                except Exception as error:  # what other people's packages raise is theirs
                    absent[engine] = describe_error(error)
            best = max(found, key=lambda engine: found[engine], default=None)
            gflops = None if best is None else round(found[best], 2)
            rates[precision] = {"gflops": gflops, "engine": best, "absent": absent}
    return rates


def describe_share(flops: int, infer_ms: float, rates: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """How much of the machine's matrix rate the graph reaches, ready for JSON.

    Args:
        flops: of one run of the graph.
        infer_ms: what a run takes.
        rates: from :func:`measure_rates`.
    """
    reached = flops / infer_ms / 1e6
    shares = {
        precision: None if rate["gflops"] is None else round(reached / rate["gflops"], 4)
        for precision, rate in rates.items()
    }
    return {"graph_gflop": round(flops / 1e9, 3), "reached_gflops": round(reached, 2),
            "machine": rates, "share": shares}  # fmt: skip


def _expect(precision: str, backend: Backend) -> None:
    """Raise ``MgcaError`` where an engine says that it runs in another precision than asked."""
    if precision == "bf16" and not backend.provider.endswith("bf16"):
        raise MgcaError(f"no bf16 on this processor: it runs as {backend.provider}")


def _rate(backend: Backend, side: int, seconds: float, clock: Callable[[], float]) -> float:
    ((name, spec),) = backend.inputs.items()
    values = np.random.default_rng(0).integers(0, 3, (side, side))
    feeds = {name: values.astype(spec.dtype)}
    backend.run(feeds)
    least, runs, begun = float("inf"), 0, perf_counter()
    while runs < _RUNS or perf_counter() - begun < seconds:
        started = clock()
        backend.run(feeds)
        least = min(least, clock() - started)
        runs += 1
    return 2 * side**3 / least / 1e9


def _float(side: int) -> onnx.ModelProto:
    """``out = a @ weight`` in float."""
    weight = np.random.default_rng(1).standard_normal((side, side)).astype(np.float32)
    return _model(side, "FLOAT", "FLOAT", [("MatMul", ["a", "w"], "out")], {"w": weight})


def _whole(side: int) -> onnx.ModelProto:
    """The product of uint8 and int8, in int32."""
    weight = np.random.default_rng(1).integers(-127, 128, (side, side)).astype(np.int8)
    return _model(side, "UINT8", "INT32", [("MatMulInteger", ["a", "w"], "out")], {"w": weight})


def _quantized(side: int) -> onnx.ModelProto:
    """The same with a quantized input, as engines that fuse quantization take it."""
    weight = np.random.default_rng(1).integers(-127, 128, (side, side)).astype(np.int8)
    scale = np.float32(0.01)
    weights = {"w": weight, "scale": scale, "zero": np.uint8(0), "zero_w": np.int8(0)}
    nodes = [
        ("QuantizeLinear", ["a", "scale", "zero"], "a8"),
        ("DequantizeLinear", ["a8", "scale", "zero"], "a_back"),
        ("DequantizeLinear", ["w", "scale", "zero_w"], "w_back"),
        ("MatMul", ["a_back", "w_back"], "out"),
    ]
    return _model(side, "FLOAT", "FLOAT", nodes, weights)


def _model(
    side: int,
    kind_in: str,
    kind_out: str,
    nodes: list[tuple[str, list[str], str]],
    weights: dict[str, Any],
) -> onnx.ModelProto:
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, kind: str) -> Any:
        return helper.make_tensor_value_info(name, getattr(TensorProto, kind), [side, side])

    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output]) for kind, inputs, output in nodes],
        "product",
        [value("a", kind_in)],
        [value("out", kind_out)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    # As old as the runtime's oldest engines read.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
