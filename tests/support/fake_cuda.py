"""A fake of ``cuda.bindings.runtime``: no GPU, but its rules.

Device memory lies in buffers of its own at addresses that the host cannot read; every copy is held
against what was allocated; work waits on the stream until it is synchronised; a capture records and
runs nothing. A name that the real bindings lack, or a call that they would not take, is an error.
"""

from __future__ import annotations

import ctypes
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.api_surface import ApiSurface, NotInApiError

ALIGNMENT = 256


class FakeCudaError(AssertionError):
    """What a real GPU would answer with a wrong picture, a crash or an error much later."""


@dataclass
class Properties:
    """Of the fake device; the real structure has these fields too (the contract test looks)."""

    name: bytes = b"Fake GPU\0\0"
    major: int = 8
    minor: int = 7


@dataclass
class Stream:
    handle: int
    queue: list[Callable[[], None]] = field(default_factory=list)
    capturing: list[Callable[[], None]] | None = None

    def __int__(self) -> int:
        return self.handle


@dataclass
class Graph:
    handle: int
    work: list[Callable[[], None]]

    def __int__(self) -> int:
        return self.handle


class FakeCuda(types.ModuleType):
    """The module. ``free_bytes`` of memory; ``devices`` how many there are; ``counts`` of calls."""

    def __init__(self, surface: ApiSurface, devices: int = 1) -> None:
        super().__init__("cuda.bindings.runtime")
        self.__dict__["_surface"] = surface
        self._devices = devices
        self._free_bytes = 1 << 30
        self._device: dict[int, bytearray] = {}
        self._pinned: dict[int, Any] = {}
        self._streams: dict[int, Stream] = {}
        self._graphs: dict[int, Graph] = {}
        self._next = 0x7F00_0000_0000
        self._refuse_capture = False
        self._log: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return super().__getattribute__(name)
        surface: ApiSurface = super().__getattribute__("_surface")
        if name in surface.classes:
            return surface.enum(name) if "enum" in surface.classes[name] else None
        if name not in surface.functions:
            raise NotInApiError(f"{surface.name} has no {name}")
        function = super().__getattribute__(f"_do_{name}")

        def call(*arguments: Any, **keywords: Any) -> tuple[Any, ...]:
            surface.check_call(None, name, len(arguments), set(keywords))
            self._log.append(name)
            result = function(*arguments, **keywords)
            values = () if result is None else result if isinstance(result, tuple) else (result,)
            if values and isinstance(values[0], surface.enum("cudaError_t")):
                return values
            return (surface.enum("cudaError_t").cudaSuccess, *values)

        return call

    # What tests look at

    def _count(self, name: str) -> int:
        return self._log.count(name)

    def _assert_all_freed(self) -> None:
        left = [*self._device, *self._pinned, *self._streams, *self._graphs]
        assert not left, f"left behind: {left}"

    def _read(self, address: int, size: int) -> bytes:
        """Bytes of device memory; fails outside of what is allocated."""
        start, content = self._find(address, size)
        return bytes(content[address - start : address - start + size])

    def _write(self, address: int, data: bytes) -> None:
        start, content = self._find(address, len(data))
        content[address - start : address - start + len(data)] = data

    def _find(self, address: int, size: int) -> tuple[int, bytearray]:
        for start, content in self._device.items():
            if start <= address and address + size <= start + len(content):
                return start, content
        raise FakeCudaError(f"{size} bytes at {address:#x} are not (all) in device memory")

    def _put(self, stream: Any, work: Callable[[], None]) -> None:
        target = self._streams[int(stream)]
        if target.capturing is not None:
            target.capturing.append(work)
        else:
            target.queue.append(work)

    def _fail(self, name: str) -> tuple[Any, None]:
        return self._surface.enum("cudaError_t")[name], None

    # What the real module offers

    def _do_cudaGetDeviceCount(self) -> Any:
        return self._devices if self._devices else self._fail("cudaErrorInsufficientDriver")

    def _do_cudaGetDeviceProperties(self, device: int) -> Properties:
        assert device < self._devices
        return Properties()

    def _do_cudaMemGetInfo(self) -> tuple[int, int]:
        return self._free_bytes, 2 << 30

    def _do_cudaGetErrorString(self, error: Any) -> bytes:
        return f"told by the fake: {error.name}".encode()

    def _do_cudaGetLastError(self) -> None:
        return None

    def _do_cudaStreamCreateWithFlags(self, flags: int) -> Stream:
        assert flags in (0, 1)
        self._next += ALIGNMENT
        self._streams[self._next] = Stream(self._next)
        return self._streams[self._next]

    def _do_cudaStreamDestroy(self, stream: Any) -> None:
        del self._streams[int(stream)]

    def _do_cudaStreamSynchronize(self, stream: Any) -> Any:
        target = self._streams[int(stream)]
        if target.capturing is not None:
            return self._fail("cudaErrorStreamCaptureUnsupported")
        queue, target.queue = target.queue, []
        for work in queue:
            work()
        return None

    def _do_cudaMalloc(self, size: int) -> Any:
        assert size > 0
        if self._streams and any(s.capturing is not None for s in self._streams.values()):
            raise FakeCudaError("allocating while a stream captures")
        if size > self._free_bytes:
            return self._fail("cudaErrorMemoryAllocation")
        self._next += (size // ALIGNMENT + 2) * ALIGNMENT
        self._device[self._next] = bytearray(b"\xcd" * size)
        self._free_bytes -= size
        return self._next

    def _do_cudaFree(self, address: int) -> None:
        self._require_idle("freeing device memory")
        self._free_bytes += len(self._device.pop(address))

    def _do_cudaMallocHost(self, size: int) -> int:
        buffer = (ctypes.c_uint8 * size)()
        address = ctypes.addressof(buffer)
        self._pinned[address] = buffer
        return address

    def _do_cudaFreeHost(self, address: int) -> None:
        self._require_idle("freeing pinned memory")
        del self._pinned[address]

    def _require_idle(self, what: str) -> None:
        if any(stream.queue for stream in self._streams.values()):
            raise FakeCudaError(f"{what} that the stream may still use")

    def _do_cudaMemcpyAsync(
        self, target: int, source: int, count: int, kind: Any, stream: Any
    ) -> None:
        kinds = self._surface.enum("cudaMemcpyKind")
        host = source if kind == kinds.cudaMemcpyHostToDevice else target
        if not any(
            start <= host and host + count <= start + len(buffer)
            for start, buffer in self._pinned.items()
        ):
            raise FakeCudaError(f"{count} bytes at {host:#x} are not (all) in pinned memory")
        if kind == kinds.cudaMemcpyHostToDevice:
            self._find(target, count)
            self._put(stream, lambda: self._write(target, ctypes.string_at(source, count)))
        elif kind == kinds.cudaMemcpyDeviceToHost:
            self._find(source, count)
            self._put(
                stream, lambda: ctypes.memmove(target, self._read(source, count), count) and None
            )
        else:
            raise FakeCudaError(f"a copy of kind {kind!r}")

    def _do_cudaStreamBeginCapture(self, stream: Any, mode: Any) -> Any:
        assert mode in self._surface.enum("cudaStreamCaptureMode")
        target = self._streams[int(stream)]
        assert target.capturing is None
        target.capturing = []

    def _do_cudaStreamEndCapture(self, stream: Any) -> Any:
        target = self._streams[int(stream)]
        work, target.capturing = target.capturing, None
        assert work is not None
        if self._refuse_capture:
            return self._fail("cudaErrorStreamCaptureInvalidated")
        return self._keep_graph(work)

    def _do_cudaGraphInstantiate(self, graph: Any, flags: int) -> Graph:
        assert flags == 0
        return self._keep_graph(list(self._graphs[int(graph)].work))

    def _do_cudaGraphLaunch(self, graph: Any, stream: Any) -> None:
        self._streams[int(stream)].queue.extend(self._graphs[int(graph)].work)

    def _do_cudaGraphDestroy(self, graph: Any) -> None:
        del self._graphs[int(graph)]

    def _do_cudaGraphExecDestroy(self, graph: Any) -> None:
        del self._graphs[int(graph)]

    def _keep_graph(self, work: list[Callable[[], None]]) -> Graph:
        self._next += ALIGNMENT
        self._graphs[self._next] = Graph(self._next, work)
        return self._graphs[self._next]
