"""The self-test: what runs has a frame rate, what is wrong is called so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runtime.bundle import Bundle
from runtime.doctor import self_test
from runtime.segment.result import Result


def result_of(scores: np.ndarray, labels: np.ndarray | None = None) -> Result:
    if labels is None:
        labels = np.zeros((2, 2), np.uint8)
    rows = np.arange(2, dtype=np.uint8)
    return Result(labels, ("sky", "road"), None, {}, scores, rows, ("sky", "road"), 10.0)


def test_a_sound_result_has_no_fault() -> None:
    scores = np.linspace(0, 1, 8, dtype=np.float32).reshape(2, 2, 2)
    labels = np.array([[0, 1], [255, 1]], np.uint8)
    assert self_test.describe_fault(result_of(scores, labels)) is None


@pytest.mark.parametrize(
    ("scores", "labels", "fault"),
    [
        ([0.0, np.nan], None, "scores are not finite"),
        ([0.5, 0.5], None, "every score is the same"),
        ([0.0, 1.0], [[0, 2], [1, 255]], "labels reach 255, with 2 classes"),
    ],
)
def test_faults(scores: list[float], labels: list | None, fault: str) -> None:
    grid = np.broadcast_to(np.array(scores, np.float32)[:, None, None], (2, 2, 2))
    made = result_of(grid, None if labels is None else np.array(labels, np.uint8))
    assert self_test.describe_fault(made) == fault


def test_the_shipped_bundle_must_find_what_the_clip_shows() -> None:
    assert self_test.describe_areas({"building": 0.2, "road": 0.3, "sky": 0.01}) is None
    fault = self_test.describe_areas({"building": 0.0, "road": 0.3, "sky": 0.009})
    assert fault is not None and fault.endswith("too little: building 0.00 %, sky 0.90 %")


def test_a_bundle_that_runs(bundle: Bundle) -> None:
    (found,) = self_test.run(str(bundle.path), "onnxruntime-cpu", 1e-9)
    assert found.state == "ok", found.detail
    values = found.values
    assert (values["backend"], values["frames"], values["classes"]) == (
        "onnxruntime-cpu",
        1,
        ["bus"],
    )
    assert values["fps"] > 0 and values["seconds"] > 0 and set(values["areas"]) == {"bus"}


def test_a_bundle_whose_scores_are_not_numbers(
    make_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    from tests.support.bundle import segmenter_onnx

    model = onnx.load_from_string(segmenter_onnx())
    (rows,) = [node for node in model.graph.node if list(node.output) == ["rows"]]
    rows.output[0] = "sound_rows"
    made = onnx.helper.make_node("Sqrt", ["below_zero"], ["nan"])
    below = onnx.numpy_helper.from_array(np.float32(-1), "below_zero")
    model.graph.initializer.append(below)
    at = [*model.graph.node].index(rows)
    model.graph.node.insert(at + 1, made)
    spoilt = onnx.helper.make_node("Add", ["sound_rows", "nan"], ["rows"])
    model.graph.node.insert(at + 2, spoilt)
    sick = make_bundle("sick", {"segmenter.onnx": model.SerializeToString()})
    (found,) = self_test.run(str(sick.path), "onnxruntime-cpu", 1e-9)
    assert found.state == "broken"
    assert found.detail == "on onnxruntime-cpu: scores are not finite"
