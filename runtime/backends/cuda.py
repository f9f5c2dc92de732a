"""CUDA through ``cuda-bindings``: the device, memory on both sides, one stream, captured graphs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.errors import MgcaError, describe_error

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Cuda", "CudaError", "Gpu", "MissingError", "open_cuda"]

_NON_BLOCKING = 1  # cudaStreamNonBlocking: the stream does not wait for the default one


class CudaError(MgcaError):
    """A call of the CUDA runtime failed."""


class MissingError(MgcaError):
    """What TensorRT needs and this machine lacks; the text says what, and how to get it."""


@dataclass(frozen=True)
class Gpu:
    """A CUDA device: name, compute capability such as ``8.7``, bytes of memory free now."""

    name: str
    compute_capability: str
    free_bytes: int


def open_cuda() -> Cuda:
    """The CUDA runtime with device 0; :class:`MissingError` without a GPU or its bindings.

    The driver is asked first: TensorRT crashes the process where there is no device.
    """
    try:
        from cuda.bindings import runtime as cudart
    except ImportError as error:
        raise MissingError(f"the Python package cuda-bindings ({error})") from None
    except Exception as error:  # a package that is there and broken raises what it likes
        raise MissingError(f"a cuda-bindings that works ({describe_error(error)})") from None
    code, count = cudart.cudaGetDeviceCount()
    if int(code) != 0 or not count:
        raise MissingError(f"a GPU that CUDA can use (cudaGetDeviceCount says {code.name})")
    return Cuda(cudart)


class Cuda:
    """Device 0 and one stream on it. Pointers are plain integers.

    Everything allocated here is freed by :meth:`close`.
    """

    def __init__(self, cudart: Any) -> None:
        self._cudart = cudart
        self._frees: dict[int, Callable[[int], Any]] = {}
        self._stream: Any = None

    def gpu(self) -> Gpu:
        """Name, compute capability and free memory of the device."""
        cudart = self._cudart
        properties = self._call(cudart.cudaGetDeviceProperties(0))
        free, _ = self._call(cudart.cudaMemGetInfo())
        name = properties.name
        if isinstance(name, bytes):
            name = name.split(b"\0")[0].decode(errors="replace")
        return Gpu(str(name), f"{properties.major}.{properties.minor}", int(free))

    @property
    def stream(self) -> int:
        """Handle of the stream that all copies and runs go through."""
        if self._stream is None:
            self._stream = self._call(self._cudart.cudaStreamCreateWithFlags(_NON_BLOCKING))
        return int(self._stream)

    def allocate(self, size: int) -> int:
        """Device memory of ``size`` bytes; gives its address."""
        address = int(self._call(self._cudart.cudaMalloc(size), f"{size >> 20} MiB of GPU memory"))
        self._frees[address] = self._cudart.cudaFree
        return address

    def allocate_pinned(self, size: int) -> tuple[int, np.ndarray]:
        """Page-locked host memory: its address, and the same bytes as an array uint8 (size,)."""
        import ctypes

        import numpy as np

        address = int(self._call(self._cudart.cudaMallocHost(size), f"{size >> 20} MiB pinned"))
        self._frees[address] = self._cudart.cudaFreeHost
        view = (ctypes.c_uint8 * size).from_address(address)
        return address, np.ctypeslib.as_array(view)

    def free(self, address: int) -> None:
        """Give memory back; nothing on the stream may use it any more."""
        self._call(self._frees.pop(address)(address))

    def upload(self, device: int, host: int, size: int) -> None:
        """Copy ``size`` bytes to the device, in the stream's order; returns at once."""
        self._copy(device, host, size, self._cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)

    def download(self, host: int, device: int, size: int) -> None:
        """Copy ``size`` bytes from the device, in the stream's order; returns at once."""
        self._copy(host, device, size, self._cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost)

    def synchronize(self) -> None:
        """Wait until the stream has done everything."""
        self._call(self._cudart.cudaStreamSynchronize(self.stream))

    def capture(self, work: Callable[[], None]) -> Any:
        """Record what ``work`` puts on the stream, run nothing; gives a graph to launch."""
        cudart = self._cudart
        mode = cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call(cudart.cudaStreamBeginCapture(self.stream, mode))
        try:
            work()
        except BaseException:
            # The stream must leave capture mode, or nothing runs on it ever again.
            _, graph = cudart.cudaStreamEndCapture(self.stream)
            if graph is not None and int(graph):
                cudart.cudaGraphDestroy(graph)
            cudart.cudaGetLastError()
            raise
        graph = self._call(cudart.cudaStreamEndCapture(self.stream))
        try:
            return self._call(cudart.cudaGraphInstantiate(graph, 0))
        finally:
            cudart.cudaGraphDestroy(graph)

    def launch(self, graph: Any) -> None:
        """Run a captured graph on the stream; returns at once."""
        self._call(self._cudart.cudaGraphLaunch(graph, self.stream))

    def destroy_graph(self, graph: Any) -> None:
        """Let go of a captured graph."""
        self._call(self._cudart.cudaGraphExecDestroy(graph))

    def close(self) -> None:
        """Free everything; a second call does nothing."""
        if self._stream is not None:
            self._cudart.cudaStreamSynchronize(self._stream)
        for address, free in self._frees.items():
            free(address)
        self._frees.clear()
        if self._stream is not None:
            self._cudart.cudaStreamDestroy(self._stream)
            self._stream = None

    def _copy(self, target: int, source: int, size: int, kind: Any) -> None:
        self._call(self._cudart.cudaMemcpyAsync(target, source, size, kind, self.stream))

    def _call(self, result: tuple[Any, ...], what: str = "") -> Any:
        """The values of a call, without its error code; :class:`CudaError` if it says one."""
        error, *values = result
        if int(error) != 0:
            told = self._cudart.cudaGetErrorString(error)[1]
            text = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
            raise CudaError(f"CUDA: {text} ({error.name}){' for ' + what if what else ''}")
        return values[0] if len(values) == 1 else tuple(values)
