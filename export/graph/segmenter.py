"""The inference graph: traced at one size, its constants folded, its cost told."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from export.graph.cost import measure_cost
from export.graph.rewrites.cast_first import cast_first
from export.graph.rewrites.fold_batch_norm import fold_batch_norm
from export.graph.rewrites.fold_constants import fold_constants
from export.graph.rewrites.fold_scales import fold_scales
from export.graph.rewrites.halve_gelu_last import halve_gelu_last
from export.graph.rewrites.join_pixel_shuffle import join_pixel_shuffle
from export.graph.rewrites.merge_equal_constants import merge_equal_constants
from export.graph.rewrites.merge_transposes import merge_transposes
from export.graph.rewrites.squeeze_first import squeeze_first
from export.graph.rewrites.squeeze_single_items import squeeze_single_items
from export.graph.staged_graph import StagedGraph
from export.graph.stages import map_stages
from export.graph.tracing import trace_to_onnx
from export.progress import say
from training.model.pamr import PamrSettings
from training.model.pixel_norm import OPENAI_PIXELS, PixelNorm
from training.model.segmenter import TraceableSegmenter
from training.model.sliding import Sliding
from training.model.unit_space import UnitSpace
from training.model.units import UnitSettings

MOST_WORDS = 1024
WORDS_IN_COST = 20
REWRITES = (
    cast_first,
    fold_constants,
    fold_batch_norm,
    squeeze_single_items,
    squeeze_first,
    merge_transposes,
    fold_scales,
    halve_gelu_last,
    join_pixel_shuffle,
    merge_equal_constants,
)


def trace_segmenter(
    model: nn.Module,
    units: UnitSettings,
    size_wh: tuple[int, int],
    opset: int,
    work: Path,
    *,
    space: UnitSpace | None = None,
    sliding: Sliding | None = None,
    pixels: PixelNorm = OPENAI_PIXELS,
    pamr: PamrSettings | None = None,
) -> StagedGraph:
    """Trace from uint8 frame and text embeddings to the four outputs, and rewrite the graph.

    The batch and the size are fixed, the number of words K is free up to ``MOST_WORDS``; position
    embeddings are computed for the size beforehand.

    Args:
        model: has an ``encoder`` and a ``decoder``; float32, in eval mode.
        units: how pixels gather into units.
        size_wh: the frame's size in pixels, multiples of the patch size.
        opset: the ONNX operator set.
        work: a folder for the exporter's file, which is gone afterwards.
        space: where pixels gather into units; None: among the embeddings as they are.
        sliding: the windows that the frame is seen in; None: as a whole.
        pixels: what they are normalised with.
        pamr: in the place of units: how scores are refined by colors.

    Returns:
        Inputs ``frame`` uint8 (1, h, w, 3) RGB and ``text`` float32 (K, D); outputs
        ``class_scores`` float32 (1, K, h', w'), ``unit_of_pixel`` int32 (1, h', w'),
        ``unit_scores`` float32 (U, K), ``pixel_scores`` float32 (1, K, h', w').
    """
    module = TraceableSegmenter(
        model,  # type: ignore[arg-type]
        size_wh,
        units,
        space,
        sliding,
        pamr,
        mean=pixels.mean,
        std=pixels.std,
    ).eval()
    say(f"tracing at opset {opset}")
    traced = trace_to_onnx(
        module,
        _example_of(module),
        work,
        inputs=["frame", "text"],
        outputs=["class_scores", "unit_of_pixel", "unit_scores", "pixel_scores"],
        dynamic={"text": {0: torch.export.Dim("K", min=1, max=MOST_WORDS)}},
        # Which units there are hangs on comparisons; the parity gate judges what comes of them.
        unstable=("class_scores", "unit_of_pixel", "unit_scores"),
        opset=opset,
    )
    stages = map_stages(traced)
    for rewrite in REWRITES:
        rewrite(traced)
    return StagedGraph(traced, stages)


def _example_of(module: TraceableSegmenter) -> tuple[torch.Tensor, torch.Tensor]:
    """A frame and five texts as the graph takes them."""
    width, height = module.size_wh
    generator = torch.Generator().manual_seed(0)
    text = torch.randn(5, module.model.encoder.embedding_width, generator=generator)
    frame = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    return frame, torch.nn.functional.normalize(text, dim=1)


def say_cost(graph: StagedGraph) -> None:
    """Print nodes, weight bytes and FLOPs of each stage, and what stands beside the encoder."""
    costs = measure_cost(graph.model, graph.stages, {"K": WORDS_IN_COST})
    for stage, cost in costs.items():
        say(
            f"  {stage:8} {cost.nodes:5d} nodes {cost.weight_bytes / 2**20:9.2f} MiB weights "
            f"{cost.flops / 1e9:9.3f} GFLOP"
        )
    encoder = costs["encoder"].flops
    beside = sum(cost.flops for stage, cost in costs.items() if stage != "encoder")
    say(
        f"  beside the encoder: {beside / max(encoder, 1):.1%} of its FLOPs ({WORDS_IN_COST} words)"
    )
