"""What half precision cannot hold: magnitudes of an fp32 run, compared with the largest half.

No CPU run of an fp16 graph shows this: ONNX Runtime's CPU provider computes its operators in fp32
and drops the casts between them (1.31.1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from export.graph.rewrites.convert_to_half import LARGEST_HALF, convert_to_half, float_values
from export.graph.staged_graph import StagedGraph
from export.precision.products import PRODUCTS
from export.progress import say
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.errors import MgcaError

# The next frame may reach farther than those that were measured.
MARGIN = 2.0
_MOST_NAMED = 5

__all__ = ["MARGIN", "HalfRange", "find_beyond_half", "measure_magnitudes"]


@dataclass(frozen=True)
class HalfRange:
    """What of a graph half precision cannot hold.

    Attributes:
        beyond: the largest magnitude of each node that makes too large a value, or reads too large
            a weight, by the node's name; the largest first.
        stages: the stage of each of these nodes.
        keep: names of the nodes to keep in fp32, so that none of these values exists in half: those
            that make them and those that read them.
        largest: the largest magnitude of any value or weight that would be there in half.
        leaves_products: some matrix product or convolution can be in half all the same.
    """

    beyond: Mapping[str, float]
    stages: Mapping[str, str]
    keep: frozenset[str]
    largest: float
    leaves_products: bool

    def admit(self, what: str, *, keeps: bool) -> frozenset[str]:
        """Return the nodes to keep in fp32, and say so on the log; none where all values fit.

        Args:
            what: whose graph it is, for the message.
            keeps: nodes may be kept in fp32 (``--auto-fallback``).

        Raises:
            MgcaError: some do not fit and may not be kept, or nothing would be left in half.
        """
        if not self.beyond:
            return frozenset()
        count = len(self.beyond)
        found = (
            f"{what}: {count} {'nodes reach' if count > 1 else 'node reaches'} magnitudes that "
            f"half precision cannot hold ({LARGEST_HALF:.0f}, with a margin of {MARGIN:g}): "
            f"{self._named()}"
        )
        if not self.leaves_products:
            raise MgcaError(
                f"{found}; keeping them in fp32 would leave nothing else: ask for fp32; nothing "
                "was replaced"
            )
        if not keeps:
            raise MgcaError(
                f"{found}; nothing was replaced: keep them in fp32 (--auto-fallback), or ask for "
                "fp32"
            )
        say(f"{found}; they stay in fp32")
        return self.keep

    def _named(self) -> str:
        """The nodes with their magnitudes, the largest first."""
        largest = list(self.beyond.items())[:_MOST_NAMED]
        named = [f"{name} ({self.stages[name]}) {value:.4g}" for name, value in largest]
        more = len(self.beyond) - len(named)
        return ", ".join(named) + (f" and {more} more" if more else "")


def measure_magnitudes(
    model: onnx.ModelProto, feeds: Iterable[Mapping[str, np.ndarray]], path: Path
) -> dict[str, float]:
    """Run an fp32 graph and return the largest magnitude of each float value and weight.

    Args:
        model: the graph; left as it is.
        feeds: the inputs to run it on.
        path: for the file of the graph with these outputs, which is gone afterwards.
    """
    largest = {
        tensor.name: float(np.abs(numpy_helper.to_array(tensor)).max(initial=0.0))
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT
    }
    floats = float_values(model)
    names = [value.name for value in model.graph.input if value.name in floats]
    names += [name for node in model.graph.node for name in node.output if name in floats]
    onnx.save(_with_magnitudes(model, names), str(path))
    try:
        with OnnxRuntimeBackend(path, "cpu") as probe:
            for feed in feeds:
                found = probe.run(feed)
                for index, name in enumerate(names):
                    magnitude = float(found[f"magnitude_{index}"])
                    largest[name] = max(largest.get(name, 0.0), magnitude)
    finally:
        path.unlink()
    return largest


def find_beyond_half(
    fp32: StagedGraph, magnitudes: Mapping[str, float], keep_fp32: Collection[str]
) -> HalfRange:
    """Return what of a graph would be there in half precision and is too large for it.

    Values count from half of the largest half on (``MARGIN``), weights, which are known, from the
    largest half on.

    Args:
        fp32: the graph; left as it is.
        magnitudes: as :func:`measure_magnitudes` gives them.
        keep_fp32: stages, or parts of them, that stay in fp32.
    """
    halved = onnx.ModelProto()
    halved.CopyFrom(fp32.model)
    in_half = convert_to_half(halved, dict(fp32.stages), keep_fp32)
    makers, readers = _makers(fp32.model), _readers(fp32.model)
    beyond: dict[str, float] = {}
    keep: set[str] = set()
    largest = 0.0
    for value, magnitude in magnitudes.items():
        maker = makers.get(value)
        touching = in_half & {*readers.get(value, ()), *([maker] if maker else [])}
        if not touching:
            continue
        largest = max(largest, magnitude)
        if magnitude <= (LARGEST_HALF / MARGIN if maker else LARGEST_HALF):
            continue
        keep |= touching
        for name in [maker] if maker else sorted(touching):
            beyond[name] = max(beyond.get(name, 0.0), magnitude)
    ordered = dict(sorted(beyond.items(), key=lambda item: -item[1]))
    left = any(
        node.op_type in PRODUCTS and node.name in in_half - keep for node in fp32.model.graph.node
    )
    stages = {name: fp32.stages[name] for name in ordered}
    return HalfRange(ordered, stages, frozenset(keep), largest, left)


def _with_magnitudes(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """A copy of the model whose outputs are the largest magnitudes of these values, as scalars."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    for index, name in enumerate(names):
        inner, outer = f"magnitudes_{index}", f"magnitude_{index}"
        probe.graph.node.append(onnx.helper.make_node("Abs", [name], [inner], name=inner))
        probe.graph.node.append(
            onnx.helper.make_node("ReduceMax", [inner], [outer], name=outer, keepdims=0)
        )
        probe.graph.output.append(onnx.helper.make_tensor_value_info(outer, TensorProto.FLOAT, []))
    return probe


def _makers(model: onnx.ModelProto) -> dict[str, str]:
    return {name: node.name for node in model.graph.node for name in node.output}


def _readers(model: onnx.ModelProto) -> dict[str, set[str]]:
    readers: dict[str, set[str]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.name)
    return readers
