"""Whether a traced graph is as free as it was promised to be.

With an example of one item ``torch.onnx.export`` may fix the batch to one without a word
(``nn.MultiheadAttention`` does it, torch 2.14.1), and a graph whose axis is free by name may still
have one size written into a Reshape. So the graph is run at other sizes, beside the module.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.errors import MgcaError

# A value is like the module's if it is off by no more than this share of the largest one. Wrong
# rows are off by their own size, other engines' sums by a thousandth of it.
TOLERANCE = 1e-2
# Of an output, the share of the values that have to be.
LEAST_ALIKE = 0.99

__all__ = ["check_free_axes"]

# Input and axis.
Place = tuple[str, int]


def check_free_axes(
    module: torch.nn.Module,
    example: Mapping[str, torch.Tensor],
    path: Path,
    free: Mapping[str, Mapping[int, Any]],
    outputs: Sequence[str],
    *,
    unstable: Collection[str] = (),
) -> None:
    """Run a traced graph at other sizes of its free axes, and compare with the module.

    Args:
        module: what was traced, in eval mode.
        example: its inputs by the graph's names, in order.
        path: the graph's file.
        free: per input, the axes that were to stay free, with their ``torch.export.Dim``.
        outputs: the graph's output names, in order.
        unstable: outputs in which a near-tie changes much: only their shapes are compared.

    Raises:
        MgcaError: an axis is fixed, or the results at another size are not the module's.
    """
    promised = {(name, axis): dim for name, axes in free.items() for axis, dim in axes.items()}
    if not promised:
        return
    groups = _group_by_symbol(onnx.load(str(path), load_external_data=False), promised)
    with OnnxRuntimeBackend(path, "cpu") as backend:
        for places in groups.values():
            traced_at = example[places[0][0]].shape[places[0][1]]
            for size in _other_sizes(traced_at, [promised[place] for place in places]):
                where = f"{size} along axis {places[0][1]} of '{places[0][0]}', traced at "
                feeds = _resize(example, places, size)
                _compare(module, feeds, backend, outputs, unstable, f"{where}{traced_at}")


def _group_by_symbol(model: onnx.ModelProto, promised: Collection[Place]) -> dict[str, list[Place]]:
    """Axes that have one size in common, by its name in the graph."""
    shapes = {value.name: value.type.tensor_type.shape.dim for value in model.graph.input}
    groups: dict[str, list[Place]] = {}
    for name, axis in promised:
        dim = shapes[name][axis]
        if not dim.dim_param:
            raise MgcaError(
                f"the traced graph has fixed axis {axis} of '{name}' at {dim.dim_value}, which was "
                "to stay free; torch.onnx.export does so where the example has one item along it: "
                "expected an example of two or more"
            )
        groups.setdefault(dim.dim_param, []).append((name, axis))
    return groups


def _other_sizes(traced_at: int, dims: Sequence[Any]) -> Iterator[int]:
    """The least size that is promised, and one larger than that of the example."""
    least = max(int(getattr(dim, "min", None) or 1) for dim in dims)
    if least < traced_at:
        yield least
    larger = traced_at + 1
    if all(larger <= (getattr(dim, "max", None) or larger) for dim in dims):
        yield larger


def _resize(
    example: Mapping[str, torch.Tensor], places: Sequence[Place], size: int
) -> dict[str, torch.Tensor]:
    """The example with another size along some axes: cut, or repeated from its beginning."""
    feeds = dict(example)
    for name, axis in places:
        index = torch.arange(size) % feeds[name].shape[axis]
        feeds[name] = feeds[name].index_select(axis, index)
    return feeds


def _compare(
    module: torch.nn.Module,
    feeds: Mapping[str, torch.Tensor],
    backend: OnnxRuntimeBackend,
    outputs: Sequence[str],
    unstable: Collection[str],
    where: str,
) -> None:
    with torch.inference_mode():
        results = module(*feeds.values())
    results = (results,) if isinstance(results, torch.Tensor) else results
    try:
        found = backend.run({name: value.numpy() for name, value in feeds.items()})
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MgcaError(f"the traced graph does not run with {where}: {first[:200]}") from error
    for name, result in zip(outputs, results, strict=True):
        expected = result.numpy()
        if found[name].shape != expected.shape:
            raise MgcaError(
                f"the traced graph with {where}: '{name}' has the shape "
                f"{list(found[name].shape)}, the module's has {list(expected.shape)}"
            )
        alike = 1.0 if name in unstable else _share_alike(found[name], expected)
        if alike < LEAST_ALIKE:
            raise MgcaError(
                f"the traced graph with {where}: {1 - alike:.0%} of '{name}' are not the module's "
                "values; the graph has the size of its example written into it"
            )


def _share_alike(found: np.ndarray, expected: np.ndarray) -> float:
    """The share of values that are the same but for rounding; 1.0 where there are none."""
    if not expected.size:
        return 1.0
    finite = np.abs(expected[np.isfinite(expected)])
    most = TOLERANCE * float(finite.max(initial=0))
    alike = np.isclose(
        found.astype(np.float64), expected.astype(np.float64), rtol=0, atol=most, equal_nan=True
    )
    return float(alike.mean())
