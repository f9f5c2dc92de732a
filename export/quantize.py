"""int8 for CPUs: weights stored as int8, activations quantised on the fly, no calibration."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import onnx
import onnxruntime.quantization as ort_quantization

from export.stages import is_among

QUANTISED_OPS = ("MatMul", "Gemm")


def quantize_matmuls(
    model: onnx.ModelProto, stages: Mapping[str, str], keep_fp32: Collection[str]
) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Quantise the matrix products with weights, one scale a column.

    Args:
        model: the fp32 graph; left as it is.
        stages: the stage of each of its nodes by name.
        keep_fp32: stages, or parts of them, whose products stay in fp32.

    Returns:
        The quantised graph and the stages of its nodes (new nodes get that of the node they serve).
    """
    excluded = [
        node.name
        for node in model.graph.node
        if node.op_type in QUANTISED_OPS and is_among(stages[node.name], keep_fp32)
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, str(source))
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.ERROR)
        try:
            ort_quantization.quantize_dynamic(
                source,
                target,
                op_types_to_quantize=list(QUANTISED_OPS),
                per_channel=True,
                weight_type=ort_quantization.QuantType.QInt8,
                nodes_to_exclude=excluded,
                extra_options={"MatMulConstBOnly": True},
            )
        finally:
            root.setLevel(level)
        quantised = onnx.load(str(target))
    return quantised, _spread_stages(quantised, stages)


def _spread_stages(model: onnx.ModelProto, stages: Mapping[str, str]) -> dict[str, str]:
    """Give nodes without a stage that of the nearest earlier node that has one."""
    spread: dict[str, str] = {}
    current = "input"
    for index, node in enumerate(model.graph.node):
        if not node.name or node.name in spread:
            node.name = f"quantised_{index}_{node.name}"
        current = stages.get(node.name, stages.get(_served(node.name), current))
        spread[node.name] = current
    return spread


def _served(name: str) -> str:
    """Return the fp32 node that a quantiser's node stands for (it appends ``_quant`` and more)."""
    return name.split("_quant")[0]
