"""TensorRT itself: an engine run with memory of its own, one upload and one download a frame."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runtime.backends.cuda import Cuda
from runtime.backends.protocol import (
    ClosingBackend,
    NotReadyError,
    TensorSpec,
    check_feeds,
    check_wanted,
)
from runtime.backends.tensorrt.arena import Arena
from runtime.backends.tensorrt.library import TensorRt
from runtime.errors import MgcaError

if TYPE_CHECKING:
    import numpy as np

    from runtime.backends.tensorrt.progress import Progress
    from runtime.bundle import Bundle

log = logging.getLogger(__name__)

__all__ = ["TensorRtBackend", "open_engine"]

_DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "UINT8": "uint8",
}


def open_engine(
    bundle: Bundle, *, build: bool = True, progress: Progress | None = None
) -> TensorRtBackend:
    """The backend of a bundle's engine, which is built first if the cache has none that fits.

    With ``build=False`` an engine that turns out broken is built again in the background, and
    :class:`~.protocol.NotReadyError` raised. Without TensorRT or a GPU:
    :class:`~.tensorrt_library.TensorRtMissingError`.
    """
    from runtime.backends.tensorrt.cache import EngineCache
    from runtime.backends.tensorrt.engine import find_engine, is_compatible, obtain_engine
    from runtime.backends.tensorrt.library import open_tensorrt
    from runtime.backends.tensorrt.rebuild import start_rebuild

    library, cuda = open_tensorrt()
    try:
        if build:
            entry, plan = obtain_engine(bundle, library, cuda, progress=progress)
        else:
            found = find_engine(bundle, library, cuda)
            loaded = None if found is None else EngineCache().load(found)
            if found is None or loaded is None:
                start_rebuild(bundle, library)
                raise NotReadyError("its engine in the cache is gone or broken")
            entry, plan = found, loaded
        return TensorRtBackend(library, cuda, plan, host_code=is_compatible(entry))
    except BaseException:
        cuda.close()
        raise


class TensorRtBackend(ClosingBackend):
    """One engine in one execution context on one stream.

    Buffers are pinned on the host, allocated when the backend is opened, and made again only for
    more text rows than any frame before had. Text rows that are the same read-only array as in the
    frame before are not uploaded again. From the second frame with the same rows and outputs on,
    the copies and the engine run as one CUDA graph (``graphs=False``, or a capture that fails, for
    single calls).

    ``host_code`` lets a plan run code of its own, as version-compatible ones do: for plans that
    this machine built.
    """

    name = "tensorrt"

    def __init__(
        self,
        library: TensorRt,
        cuda: Cuda,
        plan: bytes,
        *,
        host_code: bool = False,
        graphs: bool = True,
    ) -> None:
        self._cuda: Cuda | None = cuda
        trt = library.module
        library.logger.last_error = ""
        # Kept as long as the engine: the binding does not do it everywhere.
        self._runtime: Any = trt.Runtime(library.logger)
        if host_code:
            self._runtime.engine_host_code_allowed = True
        self._engine: Any = self._runtime.deserialize_cuda_engine(plan)
        self._context: Any = None
        if self._engine is not None:
            self._context = self._engine.create_execution_context()
        if self._context is None:
            raise MgcaError(
                f"TensorRT {library.version} cannot load the engine "
                f"({library.logger.last_error or 'it does not say why'}); "
                "clear it with mgca-rt cache clear, or use another backend"
            )
        self._library = library
        self.provider = f"TensorRT {library.version} {cuda.gpu().name}"
        self.inputs: dict[str, TensorSpec] = {}
        self.outputs: dict[str, TensorSpec] = {}
        self._most_rows: dict[str, tuple[int, int]] = {}
        for index in range(self._engine.num_io_tensors):
            self._read_tensor(trt, self._engine.get_tensor_name(index))
        self._use_graphs = graphs
        self._graphs: dict[tuple[str, ...], Any] = {}
        self._seen: set[tuple[str, ...]] = set()
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._arena: Arena | None = None
        self._uploaded: dict[str, np.ndarray] = {}
        try:
            self._shape_for({name: self._usual_shape(name) for name in self.inputs})
        except MgcaError:
            self.close()
            raise

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Run once; see :class:`runtime.backends.protocol.Backend`."""
        if self._cuda is None:
            raise MgcaError("this backend has been closed; open it again to run it")
        check_feeds(self.inputs, feeds)
        wanted = check_wanted(self.outputs, outputs)
        self._check_rows(feeds)
        self._shape_for({name: feeds[name].shape for name in self.inputs})
        self._fill(feeds)
        self._enqueue(wanted)
        self._cuda.synchronize()
        assert self._arena is not None
        # Copies: the pinned block is overwritten by the next frame, the caller's arrays are not.
        return {
            name: self._arena.outputs.view(
                name, self.outputs[name].dtype, self._shapes[name]
            ).copy()
            for name in wanted
        }

    def close(self) -> None:
        """Let go of the engine and its memory; a second call does nothing."""
        cuda, self._cuda = self._cuda, None
        if cuda is None:
            return
        self._drop_graphs(cuda)
        self._uploaded.clear()
        self._arena = None
        # In this order: each lives in the one after it.
        self._context = self._engine = self._runtime = None
        cuda.close()

    def _read_tensor(self, trt: Any, name: str) -> None:
        engine = self._engine
        kind = engine.get_tensor_dtype(name).name
        sides = tuple(int(side) for side in engine.get_tensor_shape(name))
        shape = tuple(f"?{axis}" if side < 0 else side for axis, side in enumerate(sides))
        spec = TensorSpec(_DTYPES.get(kind, kind.lower()), shape)
        if engine.get_tensor_mode(name) != trt.TensorIOMode.INPUT:
            self.outputs[name] = spec
            return
        self.inputs[name] = spec
        if -1 in sides:
            least, _, most = engine.get_tensor_profile_shape(name, 0)
            self._most_rows[name] = (int(tuple(least)[0]), int(tuple(most)[0]))

    def _usual_shape(self, name: str) -> tuple[int, ...]:
        if name not in self._most_rows:
            return tuple(side for side in self.inputs[name].shape if isinstance(side, int))
        _, usual, _ = self._engine.get_tensor_profile_shape(name, 0)
        return tuple(int(side) for side in tuple(usual))

    def _check_rows(self, feeds: Mapping[str, np.ndarray]) -> None:
        for name, (least, most) in self._most_rows.items():
            rows = feeds[name].shape[0]
            if not least <= rows <= most:
                raise MgcaError(
                    f"input {name} has {rows} rows; this engine was built for {least} to {most}: "
                    "use fewer words, or build another (python -m export --trt-words 1,64,1024)"
                )

    def _shape_for(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Tell the context the inputs' shapes, and make room for what they lead to."""
        if all(self._shapes.get(name) == shape for name, shape in shapes.items()):
            return
        assert self._cuda is not None
        # A captured graph belongs to the shapes it was captured with.
        self._drop_graphs(self._cuda)
        for name in self._most_rows:
            if not self._context.set_input_shape(name, shapes[name]):
                raise self._failure(f"refuses {name} of shape {shapes[name]}")
        found = {
            name: tuple(int(side) for side in self._context.get_tensor_shape(name))
            for name in self.outputs
        }
        self._shapes = {**shapes, **found}
        inputs = {name: self._bytes_of(name, self.inputs) for name in self.inputs}
        outputs = {name: self._bytes_of(name, self.outputs) for name in self.outputs}
        if self._arena is not None and self._arena.fits(inputs, outputs):
            return
        self._uploaded.clear()
        if self._arena is not None:
            self._arena.free()
        self._arena = Arena(self._cuda, inputs, outputs)
        for block, names in (
            (self._arena.inputs, self.inputs),
            (self._arena.outputs, self.outputs),
        ):
            for name in names:
                if not self._context.set_tensor_address(name, block.address(name)):
                    raise self._failure(f"refuses the memory of {name}")

    def _bytes_of(self, name: str, specs: Mapping[str, TensorSpec]) -> int:
        import math

        import numpy as np

        return math.prod(self._shapes[name]) * np.dtype(specs[name].dtype).itemsize

    def _fill(self, feeds: Mapping[str, np.ndarray]) -> None:
        """Put the inputs into pinned memory; what does not vary by frame goes up at once."""
        assert self._arena is not None and self._cuda is not None
        block = self._arena.inputs
        for name, array in feeds.items():
            if name in self._most_rows and self._uploaded.get(name) is array:
                continue
            block.view(name, self.inputs[name].dtype, array.shape)[...] = array
            if name not in self._most_rows:
                continue  # a frame: it goes up with the run
            offset, size = block.span([(name, self._bytes_of(name, self.inputs))])
            self._cuda.upload(block.device + offset, block.host + offset, size)
            self._uploaded.pop(name, None)
            if not array.flags.writeable:
                self._uploaded[name] = array

    def _enqueue(self, wanted: tuple[str, ...]) -> None:
        """Put one frame's work on the stream, as a captured graph from its second time on."""
        assert self._cuda is not None
        graph = self._graphs.get(wanted)
        if graph is None and self._use_graphs and wanted in self._seen:
            graph = self._capture(wanted)
        if graph is not None:
            self._cuda.launch(graph)
            return
        self._put_on_stream(wanted)
        self._seen.add(wanted)

    def _capture(self, wanted: tuple[str, ...]) -> Any | None:
        assert self._cuda is not None
        try:
            graph = self._cuda.capture(lambda: self._put_on_stream(wanted))
        except MgcaError as error:
            log.warning("this engine runs without a CUDA graph: %s", error)
            self._use_graphs = False
            return None
        self._graphs[wanted] = graph
        return graph

    def _put_on_stream(self, wanted: tuple[str, ...]) -> None:
        assert self._arena is not None and self._cuda is not None
        inputs, outputs = self._arena.inputs, self._arena.outputs
        frames = [
            (name, self._bytes_of(name, self.inputs))
            for name in self.inputs
            if name not in self._most_rows
        ]
        if frames:
            offset, size = inputs.span(frames)
            self._cuda.upload(inputs.device + offset, inputs.host + offset, size)
        if not self._context.execute_async_v3(self._cuda.stream):
            raise self._failure("could not run the engine")
        if wanted:
            used = [(name, self._bytes_of(name, self.outputs)) for name in wanted]
            offset, size = outputs.span(used)
            self._cuda.download(outputs.host + offset, outputs.device + offset, size)

    def _drop_graphs(self, cuda: Cuda) -> None:
        for graph in self._graphs.values():
            cuda.destroy_graph(graph)
        self._graphs.clear()
        self._seen.clear()

    def _failure(self, what: str) -> MgcaError:
        why = self._library.logger.last_error or "it does not say why"
        return MgcaError(f"TensorRT {self._library.version} {what}: {why}; try another backend")
