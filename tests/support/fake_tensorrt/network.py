"""What a parser makes of an ONNX file: a network, its layers and tensors."""

from __future__ import annotations

import weakref
from typing import Any

import onnx

from tests.support.fake_cuda import FakeCudaError
from tests.support.fake_tensorrt.library import ONNX_TYPES, FakeLibrary, Surfaced, describe

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


class Tensor(Surfaced):
    _kind = "ITensor"

    def __init__(self, library: FakeLibrary, name: str, kind: str, shape: tuple[int, ...]) -> None:
        self._library = library
        self._values = (name, self._library.enum("DataType")[kind], shape)

    name = property(lambda self: self._values[0])
    dtype = property(lambda self: self._values[1])
    shape = property(lambda self: self._values[2])


class Layer(Surfaced):
    _kind = "ILayer"

    def __init__(self, library: FakeLibrary, node: Any, kinds: dict[str, str]) -> None:
        self._library = library
        self._node, self._types = node, kinds

    @property
    def type(self) -> Any:
        return self._library.enum("LayerType")[_LAYER_TYPES.get(self._node.op_type, "ELEMENTWISE")]

    num_inputs = property(lambda self: len(self._node.input))
    num_outputs = property(lambda self: len(self._node.output))

    def get_input(self, index: int) -> Tensor:
        name = self._node.input[index]
        return Tensor(self._library, name, self._types.get(name, "FLOAT"), ())

    def get_output(self, index: int) -> Tensor:
        name = self._node.output[index]
        return Tensor(self._library, name, self._types.get(name, "FLOAT"), ())


class Network(Surfaced):
    _kind = "INetworkDefinition"

    def __init__(self, library: FakeLibrary, flags: int) -> None:
        self._library = library
        # The only kind that is strongly typed on this version.
        wanted = 1 << int(self._library.enum("NetworkDefinitionCreationFlag").STRONGLY_TYPED)
        if self._library.surface.version.startswith("10") and flags != wanted:
            raise FakeCudaError("a network that is not strongly typed")
        if self._library.surface.version.startswith("11") and flags != 0:
            raise FakeCudaError("flags for a network on TensorRT 11")
        self._model: Any = None
        self._parser: Any = lambda: None
        self._content = b""
        self._types: dict[str, str] = {}

    num_layers = property(lambda self: len(self._model.graph.node))
    num_inputs = property(lambda self: len(self._model.graph.input))

    def get_layer(self, index: int) -> Layer:
        return Layer(self._library, self._model.graph.node[index], self._types)

    def get_input(self, index: int) -> Tensor:
        value = self._model.graph.input[index]
        return Tensor(self._library, value.name, *describe(value))


class ParserError(Surfaced):
    _kind = "ParserError"

    def __init__(self, library: FakeLibrary, operator: str, node: str, text: str) -> None:
        self._library = library
        self._values = (operator, node, text)

    def node_operator(self) -> str:
        return self._values[0]

    def node_name(self) -> str:
        return self._values[1]

    def desc(self) -> str:
        return self._values[2]


class OnnxParser(Surfaced):
    _kind = "OnnxParser"

    def __init__(self, library: FakeLibrary, network: Network, logger: Any) -> None:
        self._library = library
        self._library.surface.check_call("OnnxParser", "__init__", 2, set())
        self._network, self._logger = network, logger
        self._errors: list[ParserError] = []

    num_errors = property(lambda self: len(self._errors))

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]

    def parse_from_file(self, model: str) -> bool:
        if "parser" in self._library.faults:
            self._errors.append(
                ParserError(self._library, "NonZero", "node_7", self._library.faults["parser"])
            )
            return False
        loaded = onnx.load(model)
        inferred = onnx.shape_inference.infer_shapes(loaded, data_prop=True).graph
        network = self._network
        network._parser = weakref.ref(self)
        network._model, network._content = loaded, loaded.SerializeToString()
        network._types = {
            value.name: ONNX_TYPES.get(value.type.tensor_type.elem_type, "FLOAT")
            for value in [*inferred.value_info, *inferred.output, *inferred.input]
        }
        # TensorRT reads uint8 from outside only to cast it.
        for value in loaded.graph.input:
            if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8:
                for node in loaded.graph.node:
                    if value.name in node.input and node.op_type != "Cast":
                        text = "uint8 is taken by Cast only"
                        self._errors.append(
                            ParserError(self._library, node.op_type, node.name, text)
                        )
        return not self._errors
