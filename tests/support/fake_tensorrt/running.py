"""From a plan to an engine, and its runs on the fake stream by ONNX Runtime."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import onnx

from tests.support.fake_cuda import ALIGNMENT, FakeCudaError
from tests.support.fake_tensorrt.library import MAGIC, NUMPY_TYPES, FakeLibrary, Surfaced, describe


class EngineInspector(Surfaced):
    _kind = "EngineInspector"

    def __init__(self, library: FakeLibrary, head: dict[str, Any]) -> None:
        self._library = library
        self._head = head

    def get_engine_information(self, format: Any) -> str:
        assert format == self._library.enum("LayerInformationFormat").JSON
        return json.dumps({"Layers": self._head["layers"], "Bindings": []})


class Engine(Surfaced):
    _kind = "ICudaEngine"

    def __init__(self, library: FakeLibrary, head: dict[str, Any], content: bytes) -> None:
        self._library = library
        self._head, self._content = head, content
        self._model = onnx.load_from_string(content)
        graph = self._model.graph
        self._tensors = {value.name: describe(value) for value in graph.input}
        self._inputs = tuple(self._tensors)
        self._tensors |= {value.name: describe(value) for value in graph.output}

    num_io_tensors = property(lambda self: len(self._tensors))

    def get_tensor_name(self, index: int) -> str:
        return list(self._tensors)[index]

    def get_tensor_dtype(self, name: str) -> Any:
        return self._library.enum("DataType")[self._tensors[name][0]]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._tensors[name][1]

    def get_tensor_mode(self, name: str) -> Any:
        return self._library.enum("TensorIOMode")["INPUT" if name in self._inputs else "OUTPUT"]

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Any]:
        assert profile_index == 0
        return [tuple(shape) for shape in self._head["ranges"][name]]

    def create_engine_inspector(self) -> EngineInspector:
        return EngineInspector(self._library, self._head)

    def create_execution_context(self) -> ExecutionContext:
        return ExecutionContext(self._library, self)


class ExecutionContext(Surfaced):
    _kind = "IExecutionContext"

    def __init__(self, library: FakeLibrary, engine: Engine) -> None:
        import onnxruntime

        self._library = library
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
            self._library.cuda._find(self._addresses[name], self._bytes_of(name))
        shapes, addresses = dict(self._input_shapes), dict(self._addresses)
        self._library.cuda._put(stream_handle, lambda: self._work(shapes, addresses))
        return True

    def _bytes_of(self, name: str) -> int:
        kind = self._owner._tensors[name][0]
        return math.prod(self.get_tensor_shape(name)) * np.dtype(NUMPY_TYPES[kind]).itemsize

    def _work(self, shapes: dict[str, Any], addresses: dict[str, int]) -> None:
        if shapes != self._input_shapes:
            raise FakeCudaError("a graph captured with other shapes than the context has now")
        feeds = {}
        for name in self._owner._inputs:
            dtype = np.dtype(NUMPY_TYPES[self._owner._tensors[name][0]])
            data = self._library.cuda._read(addresses[name], self._bytes_of(name))
            feeds[name] = np.frombuffer(data, dtype).reshape(shapes[name])
        names = [item.name for item in self._session.get_outputs()]
        for name, value in zip(names, self._session.run(names, feeds), strict=True):
            dtype = np.dtype(NUMPY_TYPES[self._owner._tensors[name][0]])
            assert value.dtype == dtype and value.nbytes == self._bytes_of(name)
            self._library.cuda._write(addresses[name], value.tobytes())


class Runtime(Surfaced):
    _kind = "Runtime"

    def __init__(self, library: FakeLibrary, logger: Any) -> None:
        self._library = library
        self._library.surface.check_call("Runtime", "__init__", 1, set())
        self._library.needs_gpu("Runtime", logger)
        self._logger = logger
        self.engine_host_code_allowed = False

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine | None:
        if not serialized_engine.startswith(MAGIC):
            self._library.complain(self._logger, "the plan is not a plan")
            return None
        head, _, content = serialized_engine[len(MAGIC) :].partition(b"\n")
        described = json.loads(head)
        compatible = described["compatible"]
        if described["version"] != self._library.surface.version and not compatible:
            self._library.complain(self._logger, f"the plan is of TensorRT {described['version']}")
            return None
        if compatible and not self.engine_host_code_allowed:
            self._library.complain(
                self._logger, "the plan holds code and the runtime may not run it"
            )
            return None
        if self._library.lean and not compatible:
            self._library.complain(
                self._logger, "the lean runtime takes version-compatible plans only"
            )
            return None
        return Engine(self._library, described, content[: described["onnx_bytes"]])
