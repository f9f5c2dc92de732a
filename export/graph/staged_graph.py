"""A graph together with what each of its nodes is there for, and how it is written to disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx


@dataclass(frozen=True)
class StagedGraph:
    """A model's graph whose nodes are assigned to the model's stages.

    Attributes:
        model: the ONNX model; every node has a unique name.
        stages: the stage of each node, by the node's name (:mod:`export.graph.stages`).
    """

    model: onnx.ModelProto
    stages: Mapping[str, str]


def save_graph(model: onnx.ModelProto, path: Path) -> None:
    """Check a graph and write it without the exporter's records; ``model`` is left as it is.

    Raises:
        onnx.checker.ValidationError: the graph is not valid.
        OSError: the file cannot be written.
    """
    clean = onnx.ModelProto()
    clean.CopyFrom(model)
    strip_exporter_records(clean)
    onnx.checker.check_model(clean, full_check=True)
    onnx.save(clean, str(path))


def strip_exporter_records(model: onnx.ModelProto) -> None:
    """Remove in place what the exporter wrote for debugging: stack traces, scopes, local paths.

    Shapes of inner values go too: every engine infers them, and rewrites leave some of them stale.
    """
    graph = model.graph
    del graph.value_info[:]
    for item in [model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output]:
        del item.metadata_props[:]
        item.doc_string = ""
