"""What all parts of one fake share: its API, its machine, its faults and its rules."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from tests.support.api_surface import ApiSurface, NotInApiError
from tests.support.fake_cuda import FakeCuda, FakeCudaError

MAGIC = b"fake plan\n"
NUMPY_TYPES = {
    "FLOAT": "f4",
    "HALF": "f2",
    "INT8": "i1",
    "INT32": "i4",
    "INT64": "i8",
    "UINT8": "u1",
}
ONNX_TYPES = {1: "FLOAT", 2: "UINT8", 3: "INT8", 6: "INT32", 7: "INT64", 9: "BOOL", 10: "HALF"}


@dataclass
class FakeLibrary:
    """One loaded TensorRT; ``severity`` is the enum of its log levels."""

    surface: ApiSurface
    cuda: FakeCuda
    faults: dict[str, Any]
    severity: Any
    first_logger: list[Any] = field(default_factory=list)

    @property
    def lean(self) -> bool:
        return "lean" in self.surface.name

    def enum(self, kind: str) -> Any:
        return self.surface.enum(kind)

    def complain(self, logger: Any, text: str) -> None:
        logger.log(self.severity.ERROR, text)

    def needs_gpu(self, what: str, logger: Any) -> None:
        self.first_logger.append(logger)
        if self.first_logger[0] is not logger:
            raise FakeCudaError(f"{what} with another logger than the first, which may be gone")
        if not self.cuda._devices:
            raise FakeCudaError(f"{what} without a CUDA device is a segmentation fault")
        if not getattr(logger, "_made", False):
            raise TypeError(f"{what}: ILogger.__init__ was not called")


class Surfaced:
    """An object of the binding: nothing is read, set or called that it does not have."""

    _kind = ""
    _library: FakeLibrary

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return object.__getattribute__(self, name)
        what, _ = self._library.surface.member(self._kind, name)
        value = object.__getattribute__(self, name)
        if what != "method":
            return value

        @functools.wraps(value)
        def call(*arguments: Any, **keywords: Any) -> Any:
            self._library.surface.check_call(self._kind, name, len(arguments), set(keywords))
            return value(*arguments, **keywords)

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            what, detail = self._library.surface.member(self._kind, name)
            if (what, detail) != ("property", "rw"):
                raise NotInApiError(
                    f"{self._library.surface.name}: {self._kind}.{name} cannot be set"
                )
        object.__setattr__(self, name, value)


def describe(value: Any) -> tuple[str, tuple[int, ...]]:
    """Type and shape of a graph's input or output, -1 for a free side."""
    tensor = value.type.tensor_type
    sides = tuple(-1 if side.dim_param else side.dim_value for side in tensor.shape.dim)
    return ONNX_TYPES[tensor.elem_type], sides
