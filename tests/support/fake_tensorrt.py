"""A fake of TensorRT: no GPU, no kernels, but its names, its rules and its order of calls.

It offers nothing that the real binding of that version lacks: every attribute and every call on
every object is held against the committed API. Its "engine" is the ONNX graph itself, run by ONNX
Runtime when the stream gets there, out of and into the fake device memory, whose bounds it checks.
What comes out is therefore what should come out, if the memory, the shapes and the order are right.
It says nothing about TensorRT's kernels, speed, or which graphs the real parser takes.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import types
import weakref
from typing import Any

import numpy as np
import onnx

from tests.support.api_surface import ApiSurface, NotInApiError
from tests.support.fake_cuda import ALIGNMENT, FakeCuda, FakeCudaError

_MAGIC = b"fake plan\n"
_NUMPY = {"FLOAT": "f4", "HALF": "f2", "INT8": "i1", "INT32": "i4", "INT64": "i8", "UINT8": "u1"}
_ONNX_TYPES = {1: "FLOAT", 2: "UINT8", 3: "INT8", 6: "INT32", 7: "INT64", 9: "BOOL", 10: "HALF"}
_LAYER_TYPES = {
    "Conv": "CONVOLUTION",
    "ConvTranspose": "DECONVOLUTION",
    "MatMul": "MATRIX_MULTIPLY",
    "Gemm": "MATRIX_MULTIPLY",
    "QuantizeLinear": "QUANTIZE",
    "DequantizeLinear": "DEQUANTIZE",
    "Cast": "CAST",
    "Reshape": "SHUFFLE",
    "Transpose": "SHUFFLE",
}


def make_fake(surface: ApiSurface, cuda: FakeCuda, **faults: Any) -> types.ModuleType:
    """The module ``tensorrt`` (or the lean one) of a committed surface.

    ``faults``: ``build`` (an error text: no plan comes out), ``layers`` (what the inspector lists
    instead of the truth), ``padding`` (bytes that make the plan larger), ``parser`` (an error).
    """
    lean = "lean" in surface.name

    class Surfaced:
        """An object of the binding: nothing is read, set or called that it does not have."""

        _kind = ""

        def __getattribute__(self, name: str) -> Any:
            if name.startswith("_"):
                return object.__getattribute__(self, name)
            what, _ = surface.member(self._kind, name)
            value = object.__getattribute__(self, name)
            if what != "method":
                return value

            @functools.wraps(value)
            def call(*arguments: Any, **keywords: Any) -> Any:
                surface.check_call(self._kind, name, len(arguments), set(keywords))
                return value(*arguments, **keywords)

            return call

        def __setattr__(self, name: str, value: Any) -> None:
            if not name.startswith("_"):
                what, detail = surface.member(self._kind, name)
                if (what, detail) != ("property", "rw"):
                    raise NotInApiError(f"{surface.name}: {self._kind}.{name} cannot be set")
            object.__setattr__(self, name, value)

    def enum_of(kind: str) -> Any:
        return surface.enum(kind)

    class ILogger:
        Severity = (
            surface.enum("Severity")
            if "Severity" in surface.classes
            else __import__("enum").IntEnum(
                "Severity", surface.classes["ILogger"]["classes"]["Severity"]["enum"]
            )
        )

        def __init__(self) -> None:
            surface.check_call("ILogger", "__init__", 0, set())
            self._made = True

    class IProgressMonitor:
        def __init__(self) -> None:
            surface.check_call("IProgressMonitor", "__init__", 0, set())
            self._made = True

    def complain(logger: Any, text: str) -> None:
        logger.log(ILogger.Severity.ERROR, text)

    first_logger: list[Any] = []

    def needs_gpu(what: str, logger: Any) -> None:
        first_logger.append(logger)
        if first_logger[0] is not logger:
            raise FakeCudaError(f"{what} with another logger than the first, which may be gone")
        if not cuda._devices:
            raise FakeCudaError(f"{what} without a CUDA device is a segmentation fault")
        if not getattr(logger, "_made", False):
            raise TypeError(f"{what}: ILogger.__init__ was not called")

    class Tensor(Surfaced):
        _kind = "ITensor"

        def __init__(self, name: str, kind: str, shape: tuple[int, ...]) -> None:
            self._values = (name, enum_of("DataType")[kind], shape)

        name = property(lambda self: self._values[0])
        dtype = property(lambda self: self._values[1])
        shape = property(lambda self: self._values[2])

    class Layer(Surfaced):
        _kind = "ILayer"

        def __init__(self, node: Any, kinds: dict[str, str]) -> None:
            self._node, self._types = node, kinds

        @property
        def type(self) -> Any:
            return enum_of("LayerType")[_LAYER_TYPES.get(self._node.op_type, "ELEMENTWISE")]

        num_inputs = property(lambda self: len(self._node.input))
        num_outputs = property(lambda self: len(self._node.output))

        def get_input(self, index: int) -> Tensor:
            name = self._node.input[index]
            return Tensor(name, self._types.get(name, "FLOAT"), ())

        def get_output(self, index: int) -> Tensor:
            name = self._node.output[index]
            return Tensor(name, self._types.get(name, "FLOAT"), ())

    class Network(Surfaced):
        _kind = "INetworkDefinition"

        def __init__(self, flags: int) -> None:
            # The only kind that is strongly typed on this version.
            wanted = 1 << int(enum_of("NetworkDefinitionCreationFlag").STRONGLY_TYPED)
            if surface.version.startswith("10") and flags != wanted:
                raise FakeCudaError("a network that is not strongly typed")
            if surface.version.startswith("11") and flags != 0:
                raise FakeCudaError("flags for a network on TensorRT 11")
            self._model: Any = None
            self._parser: Any = lambda: None
            self._content = b""
            self._types: dict[str, str] = {}

        num_layers = property(lambda self: len(self._model.graph.node))
        num_inputs = property(lambda self: len(self._model.graph.input))

        def get_layer(self, index: int) -> Layer:
            return Layer(self._model.graph.node[index], self._types)

        def get_input(self, index: int) -> Tensor:
            value = self._model.graph.input[index]
            return Tensor(value.name, *_describe(value))

    class ParserError(Surfaced):
        _kind = "ParserError"

        def __init__(self, operator: str, node: str, text: str) -> None:
            self._values = (operator, node, text)

        def node_operator(self) -> str:
            return self._values[0]

        def node_name(self) -> str:
            return self._values[1]

        def desc(self) -> str:
            return self._values[2]

    class OnnxParser(Surfaced):
        _kind = "OnnxParser"

        def __init__(self, network: Network, logger: Any) -> None:
            surface.check_call("OnnxParser", "__init__", 2, set())
            self._network, self._logger = network, logger
            self._errors: list[ParserError] = []

        num_errors = property(lambda self: len(self._errors))

        def get_error(self, index: int) -> ParserError:
            return self._errors[index]

        def parse_from_file(self, model: str) -> bool:
            if "parser" in faults:
                self._errors.append(ParserError("NonZero", "node_7", faults["parser"]))
                return False
            loaded = onnx.load(model)
            inferred = onnx.shape_inference.infer_shapes(loaded, data_prop=True).graph
            network = self._network
            network._parser = weakref.ref(self)
            network._model, network._content = loaded, loaded.SerializeToString()
            network._types = {
                value.name: _ONNX_TYPES.get(value.type.tensor_type.elem_type, "FLOAT")
                for value in [*inferred.value_info, *inferred.output, *inferred.input]
            }
            # TensorRT reads uint8 from outside only to cast it.
            for value in loaded.graph.input:
                if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8:
                    for node in loaded.graph.node:
                        if value.name in node.input and node.op_type != "Cast":
                            text = "uint8 is taken by Cast only"
                            self._errors.append(ParserError(node.op_type, node.name, text))
            return not self._errors

    class OptimizationProfile(Surfaced):
        _kind = "IOptimizationProfile"

        def __init__(self) -> None:
            self._ranges: dict[str, tuple[tuple[int, ...], ...]] = {}

        def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
            assert all(a <= b <= c for a, b, c in zip(min, opt, max, strict=True))
            self._ranges[input] = (tuple(min), tuple(opt), tuple(max))

    class TimingCache(Surfaced):
        _kind = "ITimingCache"

        def __init__(self, content: bytes) -> None:
            self._content = content

        def serialize(self) -> bytes:
            return self._content

        def combine(self, input_cache: Any, ignore_mismatch: bool) -> bool:
            self._content = max(self._content, input_cache._content, key=len)
            return True

    class BuilderConfig(Surfaced):
        _kind = "IBuilderConfig"

        def __init__(self) -> None:
            self._flags = {enum_of("BuilderFlag").TF32}
            self._profiles: list[OptimizationProfile] = []
            self._limits: dict[Any, int] = {}
            self._timing: TimingCache | None = None
            self._verbosity = enum_of("ProfilingVerbosity").LAYER_NAMES_ONLY
            self.progress_monitor = None
            self.builder_optimization_level = 3
            self.profiling_verbosity = enum_of("ProfilingVerbosity").LAYER_NAMES_ONLY

        def set_flag(self, flag: Any) -> None:
            assert isinstance(flag, enum_of("BuilderFlag"))
            self._flags.add(flag)

        def clear_flag(self, flag: Any) -> None:
            assert isinstance(flag, enum_of("BuilderFlag"))
            self._flags.discard(flag)

        def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
            assert isinstance(pool, enum_of("MemoryPoolType")) and isinstance(pool_size, int)
            self._limits[pool] = pool_size

        def add_optimization_profile(self, profile: OptimizationProfile) -> int:
            self._profiles.append(profile)
            return len(self._profiles) - 1

        def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache | None:
            good = not serialized_timing_cache or serialized_timing_cache.startswith(b"timings")
            return TimingCache(bytes(serialized_timing_cache)) if good else None

        def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
            assert ignore_mismatch is False
            self._timing = cache
            return True

        def get_timing_cache(self) -> TimingCache | None:
            return self._timing

    class Builder(Surfaced):
        _kind = "Builder"

        def __init__(self, logger: Any) -> None:
            surface.check_call("Builder", "__init__", 1, set())
            needs_gpu("Builder", logger)
            self._logger = logger

        def create_network(self, flags: int = 0) -> Network:
            return Network(flags)

        def create_builder_config(self) -> BuilderConfig:
            return BuilderConfig()

        def create_optimization_profile(self) -> OptimizationProfile:
            return OptimizationProfile()

        def build_serialized_network(self, network: Network, config: BuilderConfig) -> Any:
            if network._parser() is None:
                raise FakeCudaError("the parser, which owns the weights, is gone")
            monitor = config.progress_monitor
            if monitor is not None and not getattr(monitor, "_made", False):
                raise TypeError("IProgressMonitor.__init__ was not called")
            if not _drive(monitor):
                complain(self._logger, "the build was cancelled")
                return None
            if "build" in faults:
                complain(self._logger, faults["build"])
                return None
            (profile,) = config._profiles
            for value in network._model.graph.input:
                if -1 in _describe(value)[1] and value.name not in profile._ranges:
                    complain(self._logger, f"no range for {value.name}")
                    return None
            if config._timing is not None:
                config._timing._content = config._timing._content or b"timings of a build"
            return _pack(surface, network, config, faults)

    class EngineInspector(Surfaced):
        _kind = "EngineInspector"

        def __init__(self, head: dict[str, Any]) -> None:
            self._head = head

        def get_engine_information(self, format: Any) -> str:
            assert format == enum_of("LayerInformationFormat").JSON
            return json.dumps({"Layers": self._head["layers"], "Bindings": []})

    class Engine(Surfaced):
        _kind = "ICudaEngine"

        def __init__(self, head: dict[str, Any], content: bytes) -> None:
            self._head, self._content = head, content
            self._model = onnx.load_from_string(content)
            graph = self._model.graph
            self._tensors = {value.name: _describe(value) for value in graph.input}
            self._inputs = tuple(self._tensors)
            self._tensors |= {value.name: _describe(value) for value in graph.output}

        num_io_tensors = property(lambda self: len(self._tensors))

        def get_tensor_name(self, index: int) -> str:
            return list(self._tensors)[index]

        def get_tensor_dtype(self, name: str) -> Any:
            return enum_of("DataType")[self._tensors[name][0]]

        def get_tensor_shape(self, name: str) -> tuple[int, ...]:
            return self._tensors[name][1]

        def get_tensor_mode(self, name: str) -> Any:
            return enum_of("TensorIOMode")["INPUT" if name in self._inputs else "OUTPUT"]

        def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Any]:
            assert profile_index == 0
            return [tuple(shape) for shape in self._head["ranges"][name]]

        def create_engine_inspector(self) -> EngineInspector:
            return EngineInspector(self._head)

        def create_execution_context(self) -> ExecutionContext:
            return ExecutionContext(self)

    class ExecutionContext(Surfaced):
        _kind = "IExecutionContext"

        def __init__(self, engine: Engine) -> None:
            import onnxruntime

            self._owner = engine
            self._addresses: dict[str, int] = {}
            self._input_shapes: dict[str, tuple[int, ...]] = {
                name: engine._tensors[name][1] for name in engine._inputs
            }
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(
                engine._content, options, providers=["CPUExecutionProvider"]
            )

        def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
            least, _, most = self._owner._head["ranges"][name]
            if not all(a <= b <= c for a, b, c in zip(least, shape, most, strict=True)):
                return False
            self._input_shapes[name] = tuple(shape)
            return True

        def get_tensor_shape(self, name: str) -> tuple[int, ...]:
            if name in self._input_shapes:
                return self._input_shapes[name]
            rows = next(
                shape[0]
                for key, shape in self._input_shapes.items()
                if -1 in self._owner._tensors[key][1]
            )
            return tuple(rows if side < 0 else side for side in self._owner._tensors[name][1])

        def set_tensor_address(self, name: str, memory: int) -> bool:
            assert name in self._owner._tensors and isinstance(memory, int)
            if memory % ALIGNMENT:
                raise FakeCudaError(f"{name} at {memory:#x}: TensorRT needs 256-byte alignment")
            self._addresses[name] = memory
            return True

        def execute_async_v3(self, stream_handle: int) -> bool:
            if any(-1 in shape for shape in self._input_shapes.values()):
                return False
            if self._addresses.keys() != self._owner._tensors.keys():
                return False
            # Bounds are those of now: memory freed later is found when the stream gets there.
            for name in self._owner._tensors:
                cuda._find(self._addresses[name], self._bytes_of(name))
            shapes, addresses = dict(self._input_shapes), dict(self._addresses)
            cuda._put(stream_handle, lambda: self._work(shapes, addresses))
            return True

        def _bytes_of(self, name: str) -> int:
            kind = self._owner._tensors[name][0]
            return math.prod(self.get_tensor_shape(name)) * np.dtype(_NUMPY[kind]).itemsize

        def _work(self, shapes: dict[str, Any], addresses: dict[str, int]) -> None:
            if shapes != self._input_shapes:
                raise FakeCudaError("a graph captured with other shapes than the context has now")
            feeds = {}
            for name in self._owner._inputs:
                dtype = np.dtype(_NUMPY[self._owner._tensors[name][0]])
                data = cuda._read(addresses[name], self._bytes_of(name))
                feeds[name] = np.frombuffer(data, dtype).reshape(shapes[name])
            names = [item.name for item in self._session.get_outputs()]
            for name, value in zip(names, self._session.run(names, feeds), strict=True):
                dtype = np.dtype(_NUMPY[self._owner._tensors[name][0]])
                assert value.dtype == dtype and value.nbytes == self._bytes_of(name)
                cuda._write(addresses[name], value.tobytes())

    class Runtime(Surfaced):
        _kind = "Runtime"

        def __init__(self, logger: Any) -> None:
            surface.check_call("Runtime", "__init__", 1, set())
            needs_gpu("Runtime", logger)
            self._logger = logger
            self.engine_host_code_allowed = False

        def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine | None:
            if not serialized_engine.startswith(_MAGIC):
                complain(self._logger, "the plan is not a plan")
                return None
            head, _, content = serialized_engine[len(_MAGIC) :].partition(b"\n")
            described = json.loads(head)
            compatible = described["compatible"]
            if described["version"] != surface.version and not compatible:
                complain(self._logger, f"the plan is of TensorRT {described['version']}")
                return None
            if compatible and not self.engine_host_code_allowed:
                complain(self._logger, "the plan holds code and the runtime may not run it")
                return None
            if lean and not compatible:
                complain(self._logger, "the lean runtime takes version-compatible plans only")
                return None
            return Engine(described, content[: described["onnx_bytes"]])

    made: dict[str, Any] = {
        "ILogger": ILogger,
        "IProgressMonitor": IProgressMonitor,
        "Builder": Builder,
        "OnnxParser": OnnxParser,
        "Runtime": Runtime,
    }

    class FakeTensorRt(types.ModuleType):
        __version__ = surface.version

        def __getattribute__(self, name: str) -> Any:
            if name.startswith("_"):
                return super().__getattribute__(name)
            if name not in surface.classes:
                raise NotInApiError(f"{surface.name} has no {name}")
            surface.used.add(("", name))
            if name in made:
                return made[name]
            return surface.enum(name)

    return FakeTensorRt("tensorrt_lean" if lean else "tensorrt")


def _describe(value: Any) -> tuple[str, tuple[int, ...]]:
    tensor = value.type.tensor_type
    sides = tuple(-1 if side.dim_param else side.dim_value for side in tensor.shape.dim)
    return _ONNX_TYPES[tensor.elem_type], sides


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


def _pack(surface: ApiSurface, network: Any, config: Any, faults: dict[str, Any]) -> bytearray:
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
        "version": surface.version,
        "compatible": "VERSION_COMPATIBLE" in flags,
        "flags": sorted(flags),
        "ranges": config._profiles[0]._ranges,
        "layers": faults.get("layers", layers),
        "onnx_bytes": len(network._content),
        "sha256": hashlib.sha256(network._content).hexdigest(),
        "limits": {pool.name: size for pool, size in config._limits.items()},
    }
    padding = b"\0" * faults.get("padding", 0)
    # Not bytes: the real one gives an IHostMemory, which offers its buffer and little else.
    return bytearray(_MAGIC + json.dumps(head).encode() + b"\n" + network._content + padding)
