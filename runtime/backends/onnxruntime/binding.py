"""Inputs and outputs of a session that stay where the graph runs, allocated once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime.backends.protocol import TensorSpec

if TYPE_CHECKING:
    import numpy as np

# Every number of text rows has its own tensors, and its own captured graph. Beyond so many, the
# oldest tensors go, and further ones run without a graph: a captured one cannot be taken back.
_MOST_SIZES = 8

__all__ = ["BoundTensors"]


@dataclass
class _Binding:
    """The tensors of one set of input shapes."""

    binding: Any
    inputs: dict[str, Any]
    options: Any
    uploaded: dict[str, np.ndarray] = field(default_factory=dict)


class BoundTensors:
    """Runs a session with tensors bound on ``device`` (``cuda``; ``cpu`` works alike).

    With ``graph``, the session must have been opened with CUDA graphs on; ONNX Runtime then
    captures one for each set of shapes and replays it.
    """

    def __init__(
        self,
        onnxruntime: Any,
        session: Any,
        inputs: Mapping[str, TensorSpec],
        outputs: Mapping[str, TensorSpec],
        device: str,
        graph: bool = False,
    ) -> None:
        self._onnxruntime, self._session, self._device = onnxruntime, session, device
        self._inputs, self._outputs, self._graph = inputs, outputs, graph
        self._bindings: dict[tuple[tuple[int, ...], ...], _Binding] = {}
        self._captured = 0

    def run(self, feeds: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Upload what has changed, run, and download the named outputs as arrays of their own."""
        shapes = tuple(feeds[name].shape for name in self._inputs)
        bound = self._bindings.get(shapes)
        if bound is None:
            bound = self._bind(dict(zip(self._inputs, shapes, strict=True)))
            while len(self._bindings) >= _MOST_SIZES:
                del self._bindings[next(iter(self._bindings))]
            self._bindings[shapes] = bound
        for name, array in feeds.items():
            if bound.uploaded.get(name) is array:
                continue
            bound.inputs[name].update_inplace(_contiguous(array))
            bound.uploaded.pop(name, None)
            if not array.flags.writeable:  # it will be the same content whenever it comes again
                bound.uploaded[name] = array
        self._session.run_with_iobinding(bound.binding, bound.options)
        places = {name: place for place, name in enumerate(self._outputs)}
        values = bound.binding.get_outputs()
        # On the CPU an OrtValue lends its own memory, which the next run overwrites.
        return {name: _own(values[places[name]].numpy(), self._device) for name in names}

    def _bind(self, shapes: Mapping[str, tuple[int, ...]]) -> _Binding:
        import numpy as np

        make = self._onnxruntime.OrtValue.ortvalue_from_shape_and_type
        binding = self._session.io_binding()
        inputs: dict[str, Any] = {}
        sides: dict[str, int] = {}
        for name, spec in self._inputs.items():
            inputs[name] = make(list(shapes[name]), np.dtype(spec.dtype), self._device, 0)
            binding.bind_ortvalue_input(name, inputs[name])
            named = zip(spec.shape, shapes[name], strict=True)
            sides |= {side: size for side, size in named if isinstance(side, str)}
        fixed = True
        for name, spec in self._outputs.items():
            shape = [sides.get(side) if isinstance(side, str) else side for side in spec.shape]
            if None in shape:  # the graph does not say how large: ONNX Runtime allocates it
                fixed = False
                binding.bind_output(name, self._device)
            else:
                value = make(shape, np.dtype(spec.dtype), self._device, 0)
                binding.bind_ortvalue_output(name, value)
        return _Binding(binding, inputs, self._options(fixed))

    def _options(self, fixed: bool) -> Any:
        options = self._onnxruntime.RunOptions()
        if self._graph:
            # -1 says: run this one without a graph.
            number = self._captured + 1 if fixed and self._captured < _MOST_SIZES else -1
            self._captured = max(self._captured, number)
            options.add_run_config_entry("gpu_graph_id", str(number))
        return options


def _contiguous(array: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(array)


def _own(array: np.ndarray, device: str) -> np.ndarray:
    return array.copy() if device == "cpu" else array
