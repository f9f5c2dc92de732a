"""Proof that an engine computes in the precision it was asked for, from three sides.

1. The network as parsed. It is strongly typed, so the types of its matrix products and
   convolutions are those of the engine.
2. The engine's inspector, layer by layer.
3. The plan's size: it holds the weights, and those of fp32 are twice as large as those of fp16.

The first must hold always. The inspector contradicting it fails; an engine fused into a few opaque
layers says nothing. The size counts once the weights outweigh the kernels that a plan carries too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from runtime.backends.tensorrt_library import TensorRt
from runtime.backends.tensorrt_settings import Precision
from runtime.errors import MgcaError

__all__ = ["check_graph", "check_plan", "count_layer_types"]

# A plan against the ONNX file it was built from: kernels and layout may add this much.
_PLAN_GROWTH, _KERNELS_BYTES = 1.25, 48 << 20
# Below, so few layers are listed that the products must be hidden in fused ones.
_LISTED_SHARE = 0.25
_TYPE_NAMES = (
    ("fp16", re.compile(r"\b(?:fp16|half|float16|khalf|f16)\b", re.IGNORECASE)),
    ("fp32", re.compile(r"\b(?:fp32|float|float32|kfloat|f32)\b", re.IGNORECASE)),
    ("int8", re.compile(r"\b(?:int8|kint8|i8)\b", re.IGNORECASE)),
)


def check_graph(trt: Any, network: Any, precision: Precision) -> dict[str, Any]:
    """Count what a parsed network's products compute in; :class:`MgcaError` if it is another.

    Gives ``{"products": {"HALF": 70, "FLOAT": 8}, "quantize": 0}``.
    """
    kinds = (trt.LayerType.CONVOLUTION, trt.LayerType.DECONVOLUTION, trt.LayerType.MATRIX_MULTIPLY)
    products: Counter[str] = Counter()
    quantize = 0
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if layer.type in kinds:
            products[layer.get_output(0).dtype.name] += 1
        elif layer.type == trt.LayerType.QUANTIZE:
            quantize += 1
    found = {"products": dict(products), "quantize": quantize}
    total = sum(products.values())
    if precision == "fp16" and products["HALF"] * 2 < max(total, 1):
        raise MgcaError(
            f"the graph is not fp16: {products['HALF']} of its {total} matrix products are; "
            "export it with python -m export --precision fp16"
        )
    if precision == "fp32" and (products["FLOAT"] < total or quantize):
        raise MgcaError(
            f"the graph is not fp32: {total - products['FLOAT']} of its {total} matrix products "
            "compute in less; export it with python -m export --precision fp32"
        )
    if precision == "int8" and not quantize:
        raise MgcaError(
            "the graph is not int8: it holds no QuantizeLinear, which is how TensorRT takes int8"
        )
    return found


def check_plan(
    library: TensorRt,
    plan: bytes,
    precision: Precision,
    onnx_bytes: int,
    graph: Mapping[str, Any],
) -> dict[str, Any]:
    """Hold a plan against what it should be; :class:`MgcaError` if it contradicts the precision.

    Gives what a sidecar keeps as evidence: the graph's counts, the layers that the inspector lists
    by type, and the sizes.
    """
    layers = _inspect(library, plan)
    products = sum(graph["products"].values())
    listed = count_layer_types(layers)
    lowest = "fp16" if precision == "fp16" else "int8"
    opaque = len(layers) < max(1, products * _LISTED_SHARE) or not listed
    if precision != "fp32" and not opaque and not listed[lowest]:
        raise MgcaError(
            f"the engine is not {precision}: none of the {len(layers)} layers that its inspector "
            f"lists computes in {lowest} ({_counts_text(listed)}); nothing was kept"
        )
    if precision == "fp32" and (listed["fp16"] or listed["int8"]):
        raise MgcaError(
            f"the engine is not fp32: its inspector lists {_counts_text(listed)}; nothing was kept"
        )
    most = int(onnx_bytes * _PLAN_GROWTH) + _KERNELS_BYTES
    if precision != "fp32" and len(plan) > most:
        raise MgcaError(
            f"the engine is too large for {precision}: {len(plan) >> 20} MiB, expected at most "
            f"{most >> 20} MiB from a graph of {onnx_bytes >> 20} MiB; nothing was kept"
        )
    return {
        **graph,
        "inspector": {"layers": len(layers), "types": dict(listed), "opaque": opaque},
        "plan_bytes": len(plan),
        "onnx_bytes": onnx_bytes,
    }


def count_layer_types(layers: list[Any]) -> Counter[str]:
    """How many layers touch a tensor of each type, as the inspector's JSON tells it."""
    counts: Counter[str] = Counter()
    for entry in layers:
        if not isinstance(entry, dict):  # with less verbosity a layer is only its name
            continue
        text = " ".join(
            str(tensor.get("Format/Datatype", tensor.get("Datatype", "")))
            for side in ("Inputs", "Outputs")
            for tensor in entry.get(side) or ()
            if isinstance(tensor, dict)
        )
        for name, pattern in _TYPE_NAMES:
            counts[name] += bool(pattern.search(text.replace("_", " ")))
    return +counts


def _inspect(library: TensorRt, plan: bytes) -> list[Any]:
    trt = library.module
    runtime = trt.Runtime(library.logger)
    # Version-compatible plans carry code; this one was built a moment ago, by us.
    runtime.engine_host_code_allowed = True
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        raise MgcaError(
            f"TensorRT {library.version} cannot load the engine that it has just built: "
            f"{library.logger.last_error or 'it does not say why'}"
        )
    inspector = engine.create_engine_inspector()
    text = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
    try:
        layers = json.loads(text).get("Layers", [])
    except (ValueError, AttributeError):
        return []
    return layers if isinstance(layers, list) else []


def _counts_text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "no types"
