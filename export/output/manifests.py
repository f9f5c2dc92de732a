"""The manifest of a bundle, written from what was exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import open_clip
import torch

from export.graph.cost import measure_cost
from export.graph.opset import opset_of
from export.graph.segmenter import WORDS_IN_COST
from export.graph.staged_graph import StagedGraph
from export.source import ExportSource
from export.text.files import TextSide
from runtime.bundle import InputInfo, Manifest, OutputInfo, TextInfo
from runtime.environment import describe_versions
from training.model.sliding import Sliding
from training.model.towers.text_files import PYPI


def describe(
    source: ExportSource,
    size_wh: tuple[int, int],
    graph: StagedGraph,
    text: TextSide,
    sliding: Sliding | None = None,
) -> Manifest:
    """Return the manifest shared by all precisions; precision and parity are filled in later."""
    grid_wh, units = _output_sizes(graph.model)
    return Manifest(
        model_id=source.model_id,
        clip=source.clip_info,
        embedding_width=source.encoder.embedding_width,
        input=InputInfo(size_wh, *source.pixels),
        output=OutputInfo(grid_wh, units),
        logit_scale=round(source.logit_scale, 6),
        presence=source.presence,
        templates=source.templates,
        text=TextInfo(
            text.context_length,
            text.vocabulary.text_encoder_sha256,
            bool(source.text_center.abs().max() > 0),
            text.tower.tokenizer_kind,
        ),
        trained_words=source.trained_words,
        background_words=source.background_words,
        units=source.unit_values,
        created_by={**_created_by(source, graph), **_windows(sliding)},
    )


def _windows(sliding: Sliding | None) -> dict[str, Any]:
    """How the graph sees a frame; nothing of one that is seen as a whole."""
    if sliding is None:
        return {}
    return {
        "windows": {
            "crop_wh": list(sliding.crop_wh),
            "stride": sliding.stride,
            "count": sliding.count,
        }
    }


def _output_sizes(model: onnx.ModelProto) -> tuple[tuple[int, int], int]:
    shapes = {
        value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in model.graph.output
    }
    height, width = shapes["unit_of_pixel"][1:]
    return (width, height), shapes["unit_scores"][0]


def _created_by(source: ExportSource, graph: StagedGraph) -> dict[str, Any]:
    costs = measure_cost(graph.model, graph.stages, {"K": WORDS_IN_COST})
    return {
        "tool": "python -m export",
        "mgca": describe_versions().get("mgca", "unknown"),
        "torch": str(torch.__version__),
        "open_clip": open_clip.__version__,
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
        "opset": opset_of(graph.model),
        "origin": {**source.origin, **_text_origin(source)},
        f"fp32_cost_at_{WORDS_IN_COST}_words": {
            stage: cost.to_json() for stage, cost in costs.items()
        },
    }


def _text_origin(source: ExportSource) -> dict[str, Any]:
    """Where a sentence encoder came from; its path on this machine is nobody's business."""
    if source.sentence is None:
        return {}
    tower = source.sentence[0]
    named = tower.source if tower.source.startswith(PYPI) else f"folder:{Path(tower.source).name}"
    return {"text_tower": named, "text_weights_sha256": tower.weights_sha256}
