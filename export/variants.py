"""Precision as a property of the graph: the fp32 graph, and what is made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from export.stages import strip_exporter_records
from export.taps import tap_patches

# Kept in fp32 whatever the precision: the frame's normalisation, which costs nothing, and what
# decides between words and units, where a last digit changes a label.
ALWAYS_FP32 = ("input", "units", "scores")


@dataclass(frozen=True)
class Graph:
    """A segmenter's graph with the stage of each of its nodes, by node name."""

    model: onnx.ModelProto
    stages: Mapping[str, str]


@dataclass(frozen=True)
class VariantFiles:
    """One precision's files: the graph to ship, and the same with the encoder laid open."""

    precision: str
    graph: Graph
    path: Path
    tapped: Path


def make_variant(
    fp32: Graph, precision: str, keep_fp32: Collection[str], folder: Path
) -> VariantFiles:
    """Make one precision of the graph and write it to ``folder``.

    Args:
        fp32: the traced graph; left as it is.
        precision: ``fp32``, ``fp16`` or ``int8``.
        keep_fp32: stages that stay in fp32.
        folder: where the files go; created.
    """
    graph = _in_precision(fp32, precision, {*ALWAYS_FP32, *keep_fp32})
    folder.mkdir(parents=True, exist_ok=True)
    path, tapped = folder / "segmenter.onnx", folder / "tapped.onnx"
    _save(tap_patches(graph.model, graph.stages), tapped)
    _save(graph.model, path)
    return VariantFiles(precision, graph, path, tapped)


def _in_precision(fp32: Graph, precision: str, keep_fp32: Collection[str]) -> Graph:
    if precision == "fp16":
        from export.rewrites.convert_to_half import convert_to_half

        model, stages = onnx.ModelProto(), dict(fp32.stages)
        model.CopyFrom(fp32.model)
        convert_to_half(model, stages, keep_fp32)
        return Graph(model, stages)
    if precision == "int8":
        from export.quantize import quantize_matmuls

        return Graph(*quantize_matmuls(fp32.model, fp32.stages, keep_fp32))
    return fp32


def _save(model: onnx.ModelProto, path: Path) -> None:
    clean = onnx.ModelProto()
    clean.CopyFrom(model)
    strip_exporter_records(clean)
    onnx.checker.check_model(clean, full_check=True)
    onnx.save(clean, str(path))
