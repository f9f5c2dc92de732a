"""The manifest of a bundle, written from what was exported."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import onnx
import onnxruntime
import open_clip
import torch

from export.graph.cost import measure_cost
from export.graph.segmenter import WORDS_IN_COST
from export.graph.tracing import opset_of
from export.precision.variants import Graph
from export.source import Subject, unit_settings
from export.text.files import TextSide
from runtime.bundle import InputInfo, Manifest, OutputInfo, TextInfo
from training.model.clip import IMAGE_MEAN, IMAGE_STD


def describe(
    subject: Subject,
    size_wh: tuple[int, int],
    graph: Graph,
    text: TextSide,
) -> Manifest:
    """Return the manifest shared by all precisions; precision and parity are filled in later."""
    grid_wh, units = _output_sizes(graph.model)
    return Manifest(
        model_id=subject.model_id,
        clip=subject.clip_info,
        embedding_width=subject.encoder.embedding_width,
        input=InputInfo(size_wh, IMAGE_MEAN, IMAGE_STD),
        output=OutputInfo(grid_wh, units),
        logit_scale=round(subject.logit_scale, 6),
        templates=subject.templates,
        text=TextInfo(
            subject.clip.context_length,
            text.vocabulary.text_encoder_sha256,
            bool(subject.text_center.abs().max() > 0),
        ),
        trained_words=subject.trained_words,
        background_words=subject.background_words,
        units=unit_settings(subject),
        created_by=_created_by(subject, graph),
    )


def _output_sizes(model: onnx.ModelProto) -> tuple[tuple[int, int], int]:
    shapes = {
        value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in model.graph.output
    }
    height, width = shapes["unit_of_pixel"][1:]
    return (width, height), shapes["unit_scores"][0]


def _created_by(subject: Subject, graph: Graph) -> dict[str, Any]:
    try:
        mgca = importlib.metadata.version("mgca")
    except importlib.metadata.PackageNotFoundError:
        mgca = "unknown"
    costs = measure_cost(graph.model, graph.stages, {"K": WORDS_IN_COST})
    return {
        "tool": "python -m export",
        "mgca": mgca,
        "torch": str(torch.__version__),
        "open_clip": open_clip.__version__,
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
        "opset": opset_of(graph.model),
        "origin": dict(subject.origin),
        f"fp32_cost_at_{WORDS_IN_COST}_words": {
            stage: cost.to_json() for stage, cost in costs.items()
        },
    }
