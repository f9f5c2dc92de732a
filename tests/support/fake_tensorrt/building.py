"""From a network and a configuration to a plan."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.support.fake_cuda import FakeCudaError
from tests.support.fake_tensorrt.library import MAGIC, FakeLibrary, Surfaced, describe
from tests.support.fake_tensorrt.network import Network


class OptimizationProfile(Surfaced):
    _kind = "IOptimizationProfile"

    def __init__(self, library: FakeLibrary) -> None:
        self._library = library
        self._ranges: dict[str, tuple[tuple[int, ...], ...]] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        assert all(a <= b <= c for a, b, c in zip(min, opt, max, strict=True))
        self._ranges[input] = (tuple(min), tuple(opt), tuple(max))


class TimingCache(Surfaced):
    _kind = "ITimingCache"

    def __init__(self, library: FakeLibrary, content: bytes) -> None:
        self._library = library
        self._content = content

    def serialize(self) -> bytes:
        return self._content

    def combine(self, input_cache: Any, ignore_mismatch: bool) -> bool:
        self._content = max(self._content, input_cache._content, key=len)
        return True


class BuilderConfig(Surfaced):
    _kind = "IBuilderConfig"

    def __init__(self, library: FakeLibrary) -> None:
        self._library = library
        self._flags = {self._library.enum("BuilderFlag").TF32}
        self._profiles: list[OptimizationProfile] = []
        self._limits: dict[Any, int] = {}
        self._timing: TimingCache | None = None
        self._verbosity = self._library.enum("ProfilingVerbosity").LAYER_NAMES_ONLY
        self.progress_monitor = None
        self.builder_optimization_level = 3
        self.profiling_verbosity = self._library.enum("ProfilingVerbosity").LAYER_NAMES_ONLY

    def set_flag(self, flag: Any) -> None:
        assert isinstance(flag, self._library.enum("BuilderFlag"))
        self._flags.add(flag)

    def clear_flag(self, flag: Any) -> None:
        assert isinstance(flag, self._library.enum("BuilderFlag"))
        self._flags.discard(flag)

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        assert isinstance(pool, self._library.enum("MemoryPoolType")) and isinstance(pool_size, int)
        self._limits[pool] = pool_size

    def add_optimization_profile(self, profile: OptimizationProfile) -> int:
        self._profiles.append(profile)
        return len(self._profiles) - 1

    def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache | None:
        good = not serialized_timing_cache or serialized_timing_cache.startswith(b"timings")
        return TimingCache(self._library, bytes(serialized_timing_cache)) if good else None

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        assert ignore_mismatch is False
        self._timing = cache
        return True

    def get_timing_cache(self) -> TimingCache | None:
        return self._timing


class Builder(Surfaced):
    _kind = "Builder"

    def __init__(self, library: FakeLibrary, logger: Any) -> None:
        self._library = library
        self._library.surface.check_call("Builder", "__init__", 1, set())
        self._library.needs_gpu("Builder", logger)
        self._logger = logger

    def create_network(self, flags: int = 0) -> Network:
        return Network(self._library, flags)

    def create_builder_config(self) -> BuilderConfig:
        return BuilderConfig(self._library)

    def create_optimization_profile(self) -> OptimizationProfile:
        return OptimizationProfile(self._library)

    def build_serialized_network(self, network: Network, config: BuilderConfig) -> Any:
        if network._parser() is None:
            raise FakeCudaError("the parser, which owns the weights, is gone")
        monitor = config.progress_monitor
        if monitor is not None and not getattr(monitor, "_made", False):
            raise TypeError("IProgressMonitor.__init__ was not called")
        if not _drive(monitor):
            self._library.complain(self._logger, "the build was cancelled")
            return None
        if "build" in self._library.faults:
            self._library.complain(self._logger, self._library.faults["build"])
            return None
        (profile,) = config._profiles
        for value in network._model.graph.input:
            if -1 in describe(value)[1] and value.name not in profile._ranges:
                self._library.complain(self._logger, f"no range for {value.name}")
                return None
        if config._timing is not None:
            config._timing._content = config._timing._content or b"timings of a build"
        return _pack(self._library, network, config)


def _drive(monitor: Any) -> bool:
    """A build of two phases, as TensorRT tells of them; False when the monitor stops it."""
    if monitor is None:
        return True
    monitor.phase_start("Building Engine", None, 4)
    for step in range(4):
        monitor.phase_start("Timing graph nodes", "Building Engine", 10)
        for inner in range(10):
            if not monitor.step_complete("Timing graph nodes", inner):
                return False
        monitor.phase_finish("Timing graph nodes")
        if not monitor.step_complete("Building Engine", step):
            return False
    monitor.phase_finish("Building Engine")
    return True


def _pack(library: FakeLibrary, network: Network, config: BuilderConfig) -> bytearray:
    flags = {flag.name for flag in config._flags}
    layers = [
        {
            "Name": node.name,
            "Outputs": [
                {"Name": name, "Format/Datatype": network._types.get(name, "FLOAT").title()}
                for name in node.output
            ],
        }
        for node in network._model.graph.node
    ]
    head = {
        "version": library.surface.version,
        "compatible": "VERSION_COMPATIBLE" in flags,
        "flags": sorted(flags),
        "ranges": config._profiles[0]._ranges,
        "layers": library.faults.get("layers", layers),
        "onnx_bytes": len(network._content),
        "sha256": hashlib.sha256(network._content).hexdigest(),
        "limits": {pool.name: size for pool, size in config._limits.items()},
    }
    padding = b"\0" * library.faults.get("padding", 0)
    # Not bytes: the real one gives an IHostMemory, which offers its buffer and little else.
    return bytearray(MAGIC + json.dumps(head).encode() + b"\n" + network._content + padding)
