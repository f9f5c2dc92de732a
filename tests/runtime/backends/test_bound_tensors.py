"""ONNX Runtime with tensors bound to a device. The CPU is a device too: the calls are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.backends import open_backend
from runtime.backends.onnxruntime.binding import BoundTensors
from runtime.bundle import Bundle
from runtime.errors import UserError


@pytest.fixture
def bound(bundle: Bundle) -> Any:
    """The hand-made segmenter bound to the CPU, and an ordinary session beside it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(bundle.file("segmenter.onnx")), providers=["CPUExecutionProvider"]
    )
    reference = open_backend(bundle, "onnxruntime-cpu", threads=1)
    return BoundTensors(onnxruntime, session, reference.inputs, reference.outputs, "cpu"), reference


def test_it_says_what_a_plain_run_says(bound: Any) -> None:
    tensors, reference = bound
    random = np.random.default_rng(0)
    kept = []
    for number in range(30):
        rows = (3, 3, 1, 40, 2, 5, 6, 7, 8, 9)[number % 10]
        feeds = {
            "frame": random.integers(0, 256, (1, 6, 8, 3), dtype=np.uint8),
            "text": random.normal(size=(rows, 3)).astype(np.float32),
        }
        wanted = [list(reference.outputs), ["pixel_scores"], ["unit_of_pixel", "class_scores"]]
        names = wanted[number % 3]
        found, expected = tensors.run(feeds, names), reference.run(feeds, names)
        assert list(found) == names
        for name in names:
            np.testing.assert_array_equal(found[name], expected[name])
            kept.append((found[name], expected[name]))
    for early, expected_value in kept:
        np.testing.assert_array_equal(early, expected_value)
    assert len(tensors._bindings) <= 8


def test_only_what_changed_is_uploaded(bound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors, reference = bound
    text = np.eye(3, dtype=np.float32)
    text.flags.writeable = False
    frame = np.full((1, 6, 8, 3), 7, np.uint8)
    feeds = {"frame": frame, "text": text}
    tensors.run(feeds, ["unit_scores"])
    (binding,) = tensors._bindings.values()
    uploads: list[str] = []
    for name, value in list(binding.inputs.items()):

        class Counted:
            def __init__(self, name: str, value: Any) -> None:
                self.name, self.value = name, value

            def update_inplace(self, array: Any) -> None:
                uploads.append(self.name)
                self.value.update_inplace(array)

        binding.inputs[name] = Counted(name, value)
    for step in range(3):
        frame[:] = step * 40  # the same array, another picture
        found = tensors.run(feeds, ["pixel_scores"])
        np.testing.assert_array_equal(found["pixel_scores"], reference.run(feeds)["pixel_scores"])
    assert uploads == ["frame"] * 3
    tensors.run({"frame": frame, "text": text.copy()}, ["pixel_scores"])
    assert uploads[3:] == ["frame", "text"]


def test_without_a_gpu_each_says_so_in_one_line(bundle: Bundle) -> None:
    from runtime.backends.devices import cuda_devices

    if cuda_devices():
        pytest.skip("there is a GPU here")
    for name, hint in (
        ("onnxruntime-cuda", "CUDA does not run here"),
        ("onnxruntime-cuda-graph", "CUDA does not run here"),
        ("onnxruntime-tensorrt", "no GPU answers here"),
    ):
        with pytest.raises(UserError, match=f"backend .*{hint}") as caught:
            open_backend(bundle, name)
        assert "\n" not in str(caught.value)


def test_the_provider_refuses_graphs_whose_types_it_would_not_keep(
    make_bundle: Any, tmp_path: Path
) -> None:
    for precision in ("fp16", "int8"):
        half = make_bundle(precision, precision=precision)
        with pytest.raises(UserError, match=f"a {precision} graph would not keep its types"):
            open_backend(half, "onnxruntime-tensorrt")
