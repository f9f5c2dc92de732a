"""A double of Triton for tests: serves a model repository over KServe v2's gRPC, by ONNX Runtime.

    python -m tests.support.triton_server REPOSITORY

The service, its messages and the model configuration are those of NVIDIA's own schema, as the
client's package holds them; requests are checked against ``config.pbtxt`` as Triton checks them.
It says its port on stdout and serves until it is killed.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnxruntime
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc

_DTYPES = {"FP32": np.float32, "UINT8": np.uint8, "INT32": np.int32, "INT64": np.int64}


class ServedModel:
    """One model of the repository: its configuration, and its newest version in a session."""

    def __init__(self, folder: Path) -> None:
        self.config = text_format.Parse(
            (folder / "config.pbtxt").read_text(), model_config_pb2.ModelConfig()
        )
        assert self.config.name == folder.name and self.config.backend == "onnxruntime"
        self.version = str(max(int(path.name) for path in folder.iterdir() if path.is_dir()))
        self.session = onnxruntime.InferenceSession(
            str(folder / self.version / "model.onnx"), providers=["CPUExecutionProvider"]
        )

    def read_inputs(self, request: Any) -> dict[str, np.ndarray]:
        """The request's tensors; ``ValueError`` for what does not fit the configuration."""
        wanted = {one.name: one for one in self.config.input}
        if {tensor.name for tensor in request.inputs} != set(wanted):
            raise ValueError(f"expected the inputs {', '.join(wanted)}")
        feeds = {}
        for tensor, content in zip(request.inputs, request.raw_input_contents, strict=True):
            one = wanted[tensor.name]
            if f"TYPE_{tensor.datatype}" != model_config_pb2.DataType.Name(one.data_type):
                raise ValueError(f"inference input '{one.name}' data-type is {tensor.datatype}")
            sides = list(zip(tensor.shape, one.dims, strict=True))
            if not all(side == dim or dim == -1 for side, dim in sides):
                raise ValueError(f"unexpected shape for input '{one.name}': {list(tensor.shape)}")
            array = np.frombuffer(content, _DTYPES[tensor.datatype])
            feeds[one.name] = array.reshape(tuple(tensor.shape))
        return feeds


class Servicer(service_pb2_grpc.GRPCInferenceServiceServicer):
    """The part of the service that clients of one model need."""

    def __init__(self, root: Path) -> None:
        self.models = {path.name: ServedModel(path) for path in root.iterdir()}

    def _model(self, name: str, context: Any) -> ServedModel:
        if name not in self.models:
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"Request for unknown model: '{name}' is not found"
            )
        return self.models[name]

    def RepositoryIndex(self, request: Any, context: Any) -> Any:
        kind = service_pb2.RepositoryIndexResponse
        models = [
            kind.ModelIndex(name=name, version=model.version, state="READY")
            for name, model in self.models.items()
        ]
        return kind(models=models)

    def ModelConfig(self, request: Any, context: Any) -> Any:
        config = self._model(request.name, context).config
        return service_pb2.ModelConfigResponse(config=config)

    def ModelMetadata(self, request: Any, context: Any) -> Any:
        model = self._model(request.name, context)
        kind = service_pb2.ModelMetadataResponse

        def tensors(entries: Any) -> list[Any]:
            names = model_config_pb2.DataType.Name
            return [
                kind.TensorMetadata(
                    name=one.name,
                    datatype=names(one.data_type).removeprefix("TYPE_"),
                    shape=one.dims,
                )
                for one in entries
            ]

        return kind(
            name=request.name,
            versions=[model.version],
            platform="onnxruntime_onnx",
            inputs=tensors(model.config.input),
            outputs=tensors(model.config.output),
        )

    def ModelInfer(self, request: Any, context: Any) -> Any:
        model = self._model(request.model_name, context)
        try:
            feeds = model.read_inputs(request)
            names = [output.name for output in request.outputs]
            arrays = model.session.run(names or None, feeds)
        except Exception as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        answer = service_pb2.ModelInferResponse(
            model_name=request.model_name, model_version=model.version
        )
        names = names or [one.name for one in model.config.output]
        kserve = {np.dtype(dtype).name: name for name, dtype in _DTYPES.items()}
        for name, array in zip(names, arrays, strict=True):
            answer.outputs.add(name=name, datatype=kserve[array.dtype.name], shape=array.shape)
            answer.raw_output_contents.append(np.ascontiguousarray(array).tobytes())
        return answer


def main() -> None:
    """Serve the repository; the port is said once it can be asked."""
    size = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(4), options=size)
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Servicer(Path(sys.argv[1])), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
