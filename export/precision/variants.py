"""Precision as a property of the graph: the fp32 graph, and what is made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from export.graph.intermediate_outputs import add_patch_output
from export.graph.rewrites.convert_to_half import convert_to_half
from export.graph.rewrites.round_like_half import round_like_half
from export.graph.rewrites.store_as_half import store_as_half
from export.graph.rewrites.store_as_int16 import store_as_int16
from export.graph.staged_graph import StagedGraph, save_graph
from export.graph.stages import COMPARING, is_among
from export.precision.quantize import (
    QUANTISED_OPS,
    RANGED_OPS,
    quantize_matmuls,
    quantize_with_ranges,
)
from runtime.bundle import SEGMENTER_FILE
from runtime.errors import UserError

# Kept in fp32 whatever the precision: the frame's normalisation, which costs nothing, and what
# decides between patches, words and units, where a last digit changes a label.
ALWAYS_FP32 = ("input", COMPARING, "units", "scores")
# Operators whose weights a precision stores in fewer bits.
_WEIGHTED_OPS = {
    "fp16": ("MatMul", "Gemm", "Conv"),
    "int8": QUANTISED_OPS,
    "int8-static": RANGED_OPS,
}

# How weights may be kept, at half the bytes.
STORED = {"fp16": store_as_half, "int16": store_as_int16}


@dataclass(frozen=True)
class VariantFiles:
    """One precision of a segmenter's graph, and its files.

    Attributes:
        precision: ``fp32``, ``fp16``, ``int8`` or ``int8-static``.
        graph: the graph to ship.
        path: the file of it.
        with_patches: the file of the same graph with one more output, the encoder's ``patches``;
            of fp16 it rounds wherever a device does, which the CPU provider spares itself.
    """

    precision: str
    graph: StagedGraph
    path: Path
    with_patches: Path


def make_variant(
    fp32: StagedGraph,
    precision: str,
    keep_fp32: Collection[str],
    folder: Path,
    feeds: Sequence[Mapping[str, np.ndarray]] = (),
    keep_nodes: Collection[str] = (),
    *,
    stored: str = "fp32",
) -> VariantFiles:
    """Make one precision of the segmenter's graph and write it to ``folder``.

    Args:
        fp32: the traced graph; left as it is.
        precision: ``fp32``, ``fp16``, ``int8`` or ``int8-static``.
        keep_fp32: stages that stay in fp32, besides ``ALWAYS_FP32``.
        folder: where the files go; created.
        feeds: inputs to measure ranges on; ``int8-static`` needs some.
        keep_nodes: names of single nodes that stay in fp32 too (fp16 only).
        stored: how weights of what is computed in fp32 are kept: ``fp32``, or ``fp16`` or
            ``int16`` at half the bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = {*ALWAYS_FP32, *keep_fp32}
    graph = in_precision(fp32, precision, kept, folder, feeds, keep_nodes)
    if stored != "fp32":
        model = onnx.ModelProto()
        model.CopyFrom(graph.model)
        STORED[stored](model)
        graph = StagedGraph(model, graph.stages)
    path, with_patches = folder / SEGMENTER_FILE, folder / "with-patches.onnx"
    measured = add_patch_output(graph.model, graph.stages)
    if precision == "fp16":
        round_like_half(measured)
    save_graph(measured, with_patches)
    save_graph(graph.model, path)
    return VariantFiles(precision, graph, path, with_patches)


def in_precision(
    fp32: StagedGraph,
    precision: str,
    keep_fp32: Collection[str],
    work: Path,
    feeds: Sequence[Mapping[str, np.ndarray]] = (),
    keep_nodes: Collection[str] = (),
) -> StagedGraph:
    """Return a graph in another precision, some stages kept; the fp32 one is left as it is.

    ``work`` is a folder for files that are gone afterwards; ``feeds`` and ``keep_nodes`` as for
    :func:`make_variant`.
    """
    if precision == "fp16":
        model, stages = onnx.ModelProto(), dict(fp32.stages)
        model.CopyFrom(fp32.model)
        convert_to_half(model, stages, keep_fp32, keep_nodes)
        return StagedGraph(model, stages)
    if precision == "int8":
        return StagedGraph(*quantize_matmuls(fp32.model, fp32.stages, keep_fp32, work))
    if precision == "int8-static":
        return StagedGraph(*quantize_with_ranges(fp32.model, fp32.stages, keep_fp32, feeds, work))
    return fp32


def changed_parts(fp32: StagedGraph, precision: str) -> tuple[str, ...]:
    """Return the stages, or parts of stages, that a precision changes; none for fp32."""
    if precision == "fp32":
        return ()
    weights = {tensor.name for tensor in fp32.model.graph.initializer}
    parts = {
        fp32.stages[node.name]
        for node in fp32.model.graph.node
        if node.op_type in _WEIGHTED_OPS[precision] and weights & set(node.input)
    }
    return tuple(sorted(part for part in parts if not is_among(part, ALWAYS_FP32)))


def check_kept_stages(
    fp32: StagedGraph, kept: Collection[str], precisions: Collection[str]
) -> None:
    """Refuse stages to keep in fp32 that no precision changes, or that leave a precision nothing.

    Raises:
        UserError: with the stages that would do something.
    """
    changed = {name: changed_parts(fp32, name) for name in precisions if name != "fp32"}
    every = sorted({part for parts in changed.values() for part in parts})
    for stage in kept:
        if not any(is_among(part, (stage,)) for part in every):
            raise UserError(
                f"--keep-fp32 {stage}: {' and '.join(changed)} changes nothing there; expected "
                f"some of {', '.join(every)}"
            )
    for name, parts in changed.items():
        if kept and all(is_among(part, kept) for part in parts):
            raise UserError(
                f"--keep-fp32 {','.join(kept)} leaves nothing of {name}, which changes "
                f"{', '.join(parts)}; keep less, or ask for fp32"
            )
