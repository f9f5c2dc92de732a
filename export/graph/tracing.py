"""Trace an eager module into one ONNX file whose weights are inside it."""

from __future__ import annotations

import io
import logging
import tempfile
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import onnx
import torch

from export.graph.free_axes import check_free_axes
from export.graph.opset import DEFAULT_OPSET


def trace_to_onnx(
    module: torch.nn.Module,
    example: tuple[torch.Tensor, ...],
    work: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic: Mapping[str, Mapping[int, torch.export.Dim]] | None = None,
    unstable: Collection[str] = (),
    opset: int = DEFAULT_OPSET,
) -> onnx.ModelProto:
    """Export ``module`` and check the graph.

    Args:
        module: what to trace, in eval mode; its forward takes ``example`` positionally.
        example: one tensor per input, of the shapes the graph will keep where not dynamic.
        work: a folder for the exporter's file, which is gone afterwards.
        inputs: the graph's input names, in order; also the keys of ``dynamic``.
        outputs: the graph's output names, in order.
        dynamic: per input, the axes that stay free; the graph is run at other sizes of each.
        unstable: outputs in which a near-tie changes much: of these only shapes are compared then.
        opset: 18 to 20.

    Returns:
        The model as the exporter wrote it.

    Raises:
        MgcaError: the graph is not free along an axis that was to stay free.
    """
    free_axes = tuple(dict((dynamic or {}).get(name, {})) or None for name in inputs)
    with torch.inference_mode(), _quiet_exporter():
        program = torch.onnx.export(
            module.eval(),
            example,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=free_axes if any(free_axes) else None,
            opset_version=opset,
            dynamo=True,
            external_data=False,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    with tempfile.TemporaryDirectory(dir=work) as folder:
        path = Path(folder) / "traced.onnx"
        program.save(str(path), external_data=False)
        model = onnx.load(str(path))
        named = dict(zip(inputs, example, strict=True))
        check_free_axes(module, named, path, dynamic or {}, outputs, unstable=unstable)
    onnx.checker.check_model(model, full_check=True)
    return model


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Keep the exporter's own progress lines off stdout, where our results go."""
    loggers: list[Any] = [logging.getLogger("torch.onnx"), logging.getLogger("onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
