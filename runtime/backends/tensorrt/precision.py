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
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.backends.tensorrt.library import TensorRt
from runtime.backends.tensorrt.settings import Precision
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


def check_graph(
    trt: Any, network: Any, precision: Precision, recorded: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Count what a parsed network's products compute in; :class:`MgcaError` if it is another.

    A graph of which stages were kept in fp32 holds few products in half; the bundle says how many
    the export made, and the network must have as many. Bundles of before that was recorded must
    have half of theirs in half, or any QuantizeLinear.

    Args:
        trt: the module.
        network: as parsed.
        precision: what was asked for.
        recorded: products of the bundle's graph by ``half``, ``fp32`` and ``quantised``, or None.

    Returns:
        ``{"products": {"HALF": 70, "FLOAT": 8}, "quantize": 0, "quantised_products": 0}``.
    """
    kinds = (trt.LayerType.CONVOLUTION, trt.LayerType.DECONVOLUTION, trt.LayerType.MATRIX_MULTIPLY)
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    multiplying = [layer for layer in layers if layer.type in kinds]
    products = Counter(layer.get_output(0).dtype.name for layer in multiplying)
    quantize = sum(layer.type == trt.LayerType.QUANTIZE for layer in layers)
    quantised = _count_quantised(trt, layers, multiplying) if quantize else 0
    found = {
        "products": dict(products),
        "quantize": quantize,
        "quantised_products": quantised,
    }
    total = len(multiplying)
    if precision != "fp32" and recorded is not None:
        there = products["HALF"] if precision == "fp16" else quantised
        wanted = max(1, recorded.get("half" if precision == "fp16" else "quantised", 0))
        if there < wanted:
            raise MgcaError(
                f"the graph is not {precision}: {there} of its {total} matrix products are, "
                f"expected {wanted} by the bundle's manifest; export it again with python -m "
                f"export --precision {'fp16' if precision == 'fp16' else 'int8-static'}"
            )
        return found
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


def _count_quantised(trt: Any, layers: Sequence[Any], multiplying: Sequence[Any]) -> int:
    """How many products read what a DequantizeLinear gives, reshaped or not."""
    makers = {
        layer.get_output(index).name: layer
        for layer in layers
        for index in range(layer.num_outputs)
    }
    # The parser evens ranks out between a weight and the product that takes it.
    passing = (trt.LayerType.SHUFFLE, trt.LayerType.IDENTITY, trt.LayerType.CAST)

    def is_dequantised(tensor: Any) -> bool:
        while tensor is not None:
            maker = makers.get(tensor.name)
            if maker is None or maker.type not in passing:
                return maker is not None and maker.type == trt.LayerType.DEQUANTIZE
            tensor = maker.get_input(0)
        return False

    return sum(
        any(is_dequantised(layer.get_input(index)) for index in range(min(layer.num_inputs, 2)))
        for layer in multiplying
    )


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
