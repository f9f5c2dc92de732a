"""Whether a graph holds together, for libraries that take that for granted.

ONNX Runtime infers the type and shape of every value when it loads a graph, and refuses one where
they do not fit. OpenVINO 2026.4 was seen to end the process on such a graph.
"""

from __future__ import annotations

import os

from runtime.errors import BundleError

__all__ = ["expect_well_formed"]


def expect_well_formed(path: str | os.PathLike[str]) -> None:
    """Have ONNX Runtime load a graph, without optimizing it; its weights are let go of again.

    Raises:
        BundleError: types or shapes do not fit each other, or it is no graph.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong comes as the exception's text
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1  # starts none
    try:
        onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no base class of their own
        raise BundleError(
            f"{os.fspath(path)} does not hold together ({error}); "
            "export the bundle again with python -m export"
        ) from error
