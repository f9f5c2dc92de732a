from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.backends import Backend, TensorSpec, open_backend
from runtime.backends.devices import cuda_devices
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.backends.onnxruntime.installed import cuda_remedy
from runtime.bundle import Bundle
from runtime.errors import BundleError, MgcaError, UserError

FRAME = np.zeros((1, 6, 8, 3), dtype=np.uint8)
TEXT = np.eye(3, dtype=np.float32)


def test_names_shapes_and_provider_are_the_models_own(bundle: Bundle) -> None:
    with open_backend(bundle, "onnxruntime-cpu") as backend:
        assert isinstance(backend, Backend)
        assert backend.name == "onnxruntime-cpu"
        assert backend.provider == "CPUExecutionProvider"
        assert backend.inputs == {
            "frame": TensorSpec("uint8", (1, 6, 8, 3)),
            "text": TensorSpec("float32", ("K", 3)),
        }
        assert backend.outputs["unit_of_pixel"] == TensorSpec("int32", (1, 3, 4))
        assert set(backend.run({"frame": FRAME, "text": TEXT})) == set(backend.outputs)
        only = backend.run({"frame": FRAME, "text": TEXT}, ["unit_scores"])
        assert list(only) == ["unit_scores"]
        np.testing.assert_array_equal(only["unit_scores"], [[1, 0, 0], [0, 0, 1]])


def test_outputs_are_the_callers_own(bundle: Bundle) -> None:
    """Kept ones would hold the session's memory, and the next run would take more beside it."""
    with open_backend(bundle, "onnxruntime-cpu") as backend:
        found = backend.run({"frame": FRAME, "text": TEXT})
    assert all(array.flags.owndata for array in found.values())


@pytest.mark.parametrize("name", ["auto", "onnxruntime"])
def test_auto_says_what_really_runs(bundle: Bundle, name: str) -> None:
    with open_backend(bundle, name, threads=1) as backend:
        cuda = bool(cuda_devices()) and backend.provider == "CUDAExecutionProvider"
        assert cuda or backend.provider == "CPUExecutionProvider"


@pytest.mark.skipif(bool(cuda_devices()), reason="CUDA runs here")
def test_cuda_is_not_claimed_where_it_does_not_run(bundle: Bundle) -> None:
    with pytest.raises(UserError) as caught:
        open_backend(bundle, "onnxruntime-cuda")
    assert str(caught.value) == (
        "backend onnxruntime-cuda: CUDA does not run here (CPUExecutionProvider took over); "
        f"{cuda_remedy()}; or use onnxruntime-cpu"
    )


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        (
            {"frame": FRAME[:, :5], "text": TEXT},
            "input frame is uint8 (1, 5, 8, 3), expected uint8 (1, 6, 8, 3)",
        ),
        (
            {"frame": FRAME, "text": TEXT.astype(np.float64)},
            "input text is float64 (3, 3), expected float32 (K, 3)",
        ),
        (
            {"frame": FRAME, "text": TEXT[0]},
            "input text is float32 (3), expected float32 (K, 3)",
        ),
        ({"frame": FRAME}, "input text is missing; expected float32 (K, 3)"),
        (
            {"frame": FRAME, "text": TEXT, "mask": TEXT},
            "the graph has no input mask; expected frame, text",
        ),
    ],
)
def test_inputs_are_checked_by_name_dtype_and_shape(
    bundle: Bundle, feeds: dict[str, np.ndarray], message: str
) -> None:
    with open_backend(bundle) as backend, pytest.raises(MgcaError) as caught:
        backend.run(feeds)
    assert str(caught.value) == message


def test_an_unknown_output_is_named(bundle: Bundle) -> None:
    with open_backend(bundle) as backend, pytest.raises(MgcaError) as caught:
        backend.run({"frame": FRAME, "text": TEXT}, ["labels"])
    assert str(caught.value) == (
        "the graph has no output labels; expected class_scores, unit_of_pixel, unit_scores, "
        "pixel_scores"
    )


def test_closed_backends_and_failing_graphs_say_so(bundle: Bundle, graphs: Any) -> None:
    backend = open_backend(bundle)
    backend.close()
    backend.close()
    with pytest.raises(MgcaError, match="this backend has been closed; open it again to run it"):
        backend.run({"frame": FRAME, "text": TEXT})
    with open_backend(bundle, file="text_encoder.onnx") as encoder:
        with pytest.raises(MgcaError, match="the graph failed on CPUExecutionProvider: ") as caught:
            encoder.run({"tokens": np.array([[9999]])})
    assert "\n" not in str(caught.value) and caught.value.exit_code == 1


def test_outputs_belong_to_the_caller(bundle: Bundle) -> None:
    with open_backend(bundle) as backend:
        first = backend.run({"frame": FRAME + 9, "text": TEXT})["pixel_scores"]
        kept = first.copy()
        red = FRAME.copy()
        red[..., 0] = 200
        backend.run({"frame": red, "text": TEXT})
        np.testing.assert_array_equal(first, kept)


def test_wrong_names_and_threads(bundle: Bundle) -> None:
    with pytest.raises(UserError) as caught:
        open_backend(bundle, "tflite")
    assert str(caught.value).startswith("backend 'tflite' is unknown; expected one of auto, ")
    with pytest.raises(UserError) as caught:
        open_backend(bundle, threads=0)
    assert str(caught.value) == "threads is 0; expected a whole number of at least 1"


def test_a_file_that_is_no_graph(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"x\.onnx cannot be loaded by ONNX Runtime") as caught:
        OnnxRuntimeBackend(tmp_path / "x.onnx")
    assert "\n" not in str(caught.value)
