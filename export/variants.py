"""Precision as a property of the graph: the fp32 graph, and what is made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from export.stages import strip_exporter_records
from export.taps import tap_patches


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
    graph = fp32
    if precision == "fp16":
        from export.rewrites.convert_to_half import convert_to_half

        graph = convert_to_half(fp32, keep_fp32)
    elif precision == "int8":
        from export.quantize import quantize_dynamic

        graph = quantize_dynamic(fp32, keep_fp32, folder)
    folder.mkdir(parents=True, exist_ok=True)
    path, tapped = folder / "segmenter.onnx", folder / "tapped.onnx"
    _save(tap_patches(graph.model, graph.stages), tapped)
    _save(graph.model, path)
    return VariantFiles(precision, graph, path, tapped)


def _save(model: onnx.ModelProto, path: Path) -> None:
    clean = onnx.ModelProto()
    clean.CopyFrom(model)
    strip_exporter_records(clean)
    onnx.checker.check_model(clean, full_check=True)
    onnx.save(clean, str(path))
