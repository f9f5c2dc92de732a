"""int8: activations quantised on the fly (CPUs), or by ranges measured on frames (QDQ graphs)."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime.quantization as ort_quantization

from export.graph.stages import is_among

# No convolutions on the fly: ONNX Runtime gives their weights one scale a tensor, whatever
# per_channel says (quantize_dynamic, 1.31.1). With ranges they have one a channel.
QUANTISED_OPS = ("MatMul", "Gemm")
RANGED_OPS = ("MatMul", "Gemm", "Conv")


def quantize_matmuls(
    model: onnx.ModelProto,
    stages: Mapping[str, str],
    keep_fp32: Collection[str],
    work: Path,
) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Quantise the matrix products with weights, one scale a column.

    Args:
        model: the fp32 graph; left as it is.
        stages: the stage of each of its nodes by name.
        keep_fp32: stages, or parts of them, whose products stay in fp32.
        work: a folder for the quantiser's files, which are gone afterwards.

    Returns:
        The quantised graph and the stages of its nodes (new nodes get that of the node they serve).
    """
    quantise = partial(
        ort_quantization.quantize_dynamic,
        op_types_to_quantize=list(QUANTISED_OPS),
        per_channel=True,
        weight_type=ort_quantization.QuantType.QInt8,
        # Seven bits a weight: x86 without VNNI adds products of bytes in pairs in 16 bits and
        # cuts off what does not fit.
        reduce_range=True,
        nodes_to_exclude=_excluded(model, stages, keep_fp32, QUANTISED_OPS),
        extra_options={"MatMulConstBOnly": True},
    )
    return _run_quantiser(quantise, model, stages, work)


def quantize_with_ranges(
    model: onnx.ModelProto,
    stages: Mapping[str, str],
    keep_fp32: Collection[str],
    feeds: Sequence[Mapping[str, np.ndarray]],
    work: Path,
) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Put QuantizeLinear - DequantizeLinear pairs around products and convolutions with weights.

    Symmetric int8 on both sides, one scale a channel for weights, biases in fp32: the form that
    TensorRT and NPUs take, and that ONNX Runtime runs on CPUs.

    Args:
        model: the fp32 graph; left as it is.
        stages: the stage of each of its nodes by name.
        keep_fp32: stages, or parts of them, that stay in fp32.
        feeds: inputs of the graph to measure the ranges of activations on.
        work: a folder for the quantiser's files, which are gone afterwards.

    Returns:
        As :func:`quantize_matmuls`.
    """
    quantise = partial(
        ort_quantization.quantize_static,
        calibration_data_reader=_Feeds(feeds),
        quant_format=ort_quantization.QuantFormat.QDQ,
        op_types_to_quantize=list(RANGED_OPS),
        per_channel=True,
        activation_type=ort_quantization.QuantType.QInt8,
        weight_type=ort_quantization.QuantType.QInt8,
        nodes_to_exclude=_excluded(model, stages, keep_fp32, RANGED_OPS),
        calibrate_method=ort_quantization.CalibrationMethod.MinMax,
        extra_options={
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            "QuantizeBias": False,
        },
    )
    return _run_quantiser(quantise, model, stages, work)


def _run_quantiser(
    quantise: Callable[[Path, Path], None],
    model: onnx.ModelProto,
    stages: Mapping[str, str],
    work: Path,
) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Quantise by files, as ONNX Runtime wants it: ``quantise`` reads one and writes another."""
    with _quantiser_in(work) as folder:
        source, target = folder / "fp32.onnx", folder / "quantised.onnx"
        onnx.save(model, str(source))
        quantise(source, target)
        quantised = onnx.load(str(target))
    return quantised, _spread_stages(quantised, stages)


class _Feeds(ort_quantization.CalibrationDataReader):
    """Hands the quantiser one set of inputs after another, then None."""

    def __init__(self, feeds: Sequence[Mapping[str, np.ndarray]]) -> None:
        self._left = iter(feeds)

    def get_next(self) -> dict[str, np.ndarray] | None:  # type: ignore[override]
        found = next(self._left, None)
        return None if found is None else dict(found)


def _excluded(
    model: onnx.ModelProto,
    stages: Mapping[str, str],
    keep_fp32: Collection[str],
    kinds: Collection[str],
) -> list[str]:
    """Names of the nodes of these kinds that stay: kept stages, and products of two activations."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type in kinds
        and (is_among(stages[node.name], keep_fp32) or not weights & set(node.input))
    ]


@contextmanager
def _quantiser_in(work: Path) -> Iterator[Path]:
    """Give a folder in ``work`` for the quantiser's files; keep its own there too, and it quiet.

    The system's temporary folder may be too small for weights, and nobody has asked for its room.
    """
    root = logging.getLogger()
    level, usual = root.level, tempfile.tempdir
    with tempfile.TemporaryDirectory(dir=work) as folder:
        root.setLevel(logging.ERROR)
        # While it measures ranges it makes a folder of its own and takes no other place for it.
        tempfile.tempdir = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = usual
            root.setLevel(level)


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
