"""Building an engine: an ONNX file in, a plan out, strongly typed on every TensorRT.

Precision is what the graph's own types say. The weak flags of TensorRT 10 (FP16, INT8), which let
it round where it likes, are never set, and do not exist in TensorRT 11.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from runtime.backends.cuda import Cuda
from runtime.backends.tensorrt.library import TensorRt
from runtime.backends.tensorrt.precision import check_graph, check_plan
from runtime.backends.tensorrt.progress import Progress, make_monitor
from runtime.backends.tensorrt.settings import TEXT_INPUT, EngineSettings, Precision
from runtime.backends.tensorrt.timing import keep_timings, load_timings
from runtime.errors import MgcaError

log = logging.getLogger(__name__)

__all__ = ["BuiltEngine", "build_plan"]


@dataclass(frozen=True)
class BuiltEngine:
    """A plan, and what its sidecar says of it: ``built`` and ``evidence``."""

    plan: bytes
    record: Mapping[str, Any]


def build_plan(
    library: TensorRt,
    cuda: Cuda,
    path: str | os.PathLike[str],
    precision: Precision,
    settings: EngineSettings,
    progress: Progress | None = None,
    *,
    recorded: Mapping[str, int] | None = None,
) -> BuiltEngine:
    """Build the engine of an ONNX file, and check that it is of the precision asked for.

    ``progress`` is called with the phase and the share done; it may raise to stop the build.
    ``recorded`` is what the bundle says its graph's products compute in, if it does.
    Raises :class:`MgcaError` naming the operator that TensorRT cannot take, or why it gave up.
    """
    path = Path(path)
    started = perf_counter()
    refuse_unsupported(path)
    trt = library.module
    library.logger.last_error = ""
    builder = trt.Builder(library.logger)
    # The parser owns the weights that the network points to: it must live until the plan is built.
    network, parser = _parse(library, builder, path)
    graph_evidence = check_graph(trt, network, precision, recorded)
    config = _configure(library, cuda, builder, network, settings)
    monitor = make_monitor(trt, progress)
    config.progress_monitor = monitor
    load_timings(library, cuda.gpu(), config)
    log.info("building a TensorRT %s %s engine of %s", library.version, precision, path)
    memory = builder.build_serialized_network(network, config)
    del parser
    monitor.finish()
    if memory is None:
        raise MgcaError(
            f"TensorRT {library.version} could not build {path.name}: "
            f"{library.logger.last_error or 'it does not say why'}"
        )
    keep_timings(library, cuda.gpu(), config)
    plan = bytes(memory)
    evidence = check_plan(library, plan, precision, path.stat().st_size, graph_evidence)
    built = {
        "seconds": round(perf_counter() - started, 1),
        "settings": settings.to_json(),
        "kind": library.kind,
    }
    return BuiltEngine(plan, {"built": built, "evidence": evidence})


# ONNX operators that only CPUs have, as they stand in the file; TensorRT's int8 is another one.
_FOR_CPUS = (b"DynamicQuantizeLinear", b"MatMulInteger", b"ConvInteger")


def refuse_unsupported(path: Path) -> None:
    """Raise :class:`MgcaError` for a graph that was quantised for CPUs."""
    content = path.read_bytes()
    for operator in _FOR_CPUS:
        if operator in content:
            raise MgcaError(
                f"{path.name} is quantised for CPUs ({operator.decode()}), which TensorRT cannot "
                "run: it takes int8 as QuantizeLinear and DequantizeLinear; use --trt fp16"
            )


def _parse(library: TensorRt, builder: Any, path: Path) -> tuple[Any, Any]:
    trt = library.module
    flags = 0
    if library.major < 11:  # the only kind of network from 11 on
        flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, library.logger)
    # From the file, not from bytes: weights may lie beside it.
    if parser.parse_from_file(os.fspath(path)):
        return network, parser
    told = []
    for index in range(parser.num_errors):
        error = parser.get_error(index)
        where = " ".join(part for part in (error.node_operator(), error.node_name()) if part)
        told.append(f"{where}: {error.desc()}" if where else error.desc())
    reason = "; ".join(told) or library.logger.last_error or "it does not say why"
    raise MgcaError(f"TensorRT {library.version} cannot read {path.name}: {reason}")


def _configure(
    library: TensorRt, cuda: Cuda, builder: Any, network: Any, settings: EngineSettings
) -> Any:
    trt = library.module
    config = builder.create_builder_config()
    workspace = settings.workspace_bytes
    # All of it is TensorRT's default, which on a Jetson is also everybody else's memory.
    limit = cuda.gpu().free_bytes // 2 if workspace is None else workspace
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, limit)
    # Layer by layer, so that the inspector can be asked what each computes in.
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if not settings.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    if settings.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if settings.exclude_lean_runtime:
        config.set_flag(trt.BuilderFlag.EXCLUDE_LEAN_RUNTIME)
    if settings.optimization_level is not None:
        config.builder_optimization_level = settings.optimization_level
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        _set_range(profile, tensor.name, tuple(tensor.shape), settings.words)
    if config.add_optimization_profile(profile) < 0:
        raise MgcaError(f"TensorRT refuses the range of words {settings.words}")
    return config


def _set_range(
    profile: Any, name: str, shape: tuple[int, ...], words: tuple[int, int, int]
) -> None:
    free = [axis for axis, side in enumerate(shape) if side < 0]
    if not free:
        return
    if name != TEXT_INPUT or free != [0]:
        raise MgcaError(
            f"input {name} of the graph has free sides {shape}; only the rows of {TEXT_INPUT} "
            "may be free: export the bundle again with python -m export"
        )
    least, usual, most = ((count, *shape[1:]) for count in words)
    profile.set_shape(name, least, usual, most)
