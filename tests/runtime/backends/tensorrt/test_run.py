"""The native backend, from an empty cache to pixels, against the fakes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime import Segmenter
from runtime.backends import open_backend
from runtime.backends.parity import trial_feeds
from runtime.backends.tensorrt.backend import TensorRtBackend, open_engine
from runtime.bundle import Bundle
from runtime.errors import MgcaError


def open_reference(bundle: Bundle) -> Any:
    return open_backend(bundle, "onnxruntime-cpu", threads=1)


def test_it_says_what_onnxruntime_says(bundle: Bundle, machine: Any) -> None:
    feeds = trial_feeds(bundle)
    with open_engine(bundle) as engine, open_reference(bundle) as reference:
        assert engine.name == "tensorrt"
        assert engine.provider == f"TensorRT {machine.surface.version} Fake GPU"
        assert engine.inputs["frame"] == reference.inputs["frame"]
        assert engine.inputs["text"].shape[1] == 3 and engine.inputs["text"].dtype == "float32"
        for _ in range(3):  # single calls, then a captured graph
            found = engine.run(feeds)
            for name, expected in reference.run(feeds).items():
                np.testing.assert_array_equal(found[name], expected)
                assert found[name].dtype == expected.dtype
    machine.cuda._assert_all_freed()


def test_frames_follow_one_another(bundle: Bundle, machine: Any) -> None:
    """New pixels, other words, more words than ever, other outputs: always this frame's answer."""
    random = np.random.default_rng(0)
    with open_engine(bundle) as engine, open_reference(bundle) as reference:
        kept: list[tuple[np.ndarray, np.ndarray]] = []
        for number in range(40):
            rows = (3, 3, 3, 100, 100, 2, 1, 700)[number // 5]
            text = random.normal(size=(rows, 3)).astype(np.float32)
            wanted = [["class_scores", "unit_of_pixel"], ["pixel_scores"], None][number % 3]
            frame = random.integers(0, 256, (1, 6, 8, 3), dtype=np.uint8)
            feeds = {"frame": frame, "text": text}
            found, expected = engine.run(feeds, wanted), reference.run(feeds, wanted)
            assert found.keys() == expected.keys()
            for name in expected:
                np.testing.assert_array_equal(found[name], expected[name])
                kept.append((found[name], expected[name]))
        for early, expected_value in kept:  # what came out belongs to the caller
            np.testing.assert_array_equal(early, expected_value)


def test_one_upload_and_one_download_a_frame(bundle: Bundle, machine: Any) -> None:
    feeds = trial_feeds(bundle)
    feeds["text"] = feeds["text"].copy()
    feeds["text"].flags.writeable = False
    wanted = ["class_scores", "unit_of_pixel"]
    with open_engine(bundle) as engine:
        engine.run(feeds, wanted)  # the words go up once
        before = machine.cuda._count("cudaMemcpyAsync")
        engine._use_graphs = False
        for _ in range(5):
            engine.run(feeds, wanted)
        assert machine.cuda._count("cudaMemcpyAsync") - before == 10
        allocated = machine.cuda._count("cudaMalloc"), machine.cuda._count("cudaMallocHost")
        engine._use_graphs = True
        for _ in range(5):
            engine.run(feeds, wanted)
        assert machine.cuda._count("cudaGraphLaunch") == 5
        assert machine.cuda._count("cudaStreamBeginCapture") == 1
        assert machine.cuda._count("cudaMemcpyAsync") - before == 12  # those of the capture
        assert allocated == (
            machine.cuda._count("cudaMalloc"),
            machine.cuda._count("cudaMallocHost"),
        )


def test_words_that_may_have_changed_are_uploaded(bundle: Bundle, machine: Any) -> None:
    feeds = {**trial_feeds(bundle)}
    feeds["text"] = np.array(feeds["text"])
    with open_engine(bundle) as engine, open_reference(bundle) as reference:
        for _ in range(4):
            feeds["text"][:] = feeds["text"][::-1].copy()  # the same array, another content
            found, expected = engine.run(feeds), reference.run(feeds)
            np.testing.assert_array_equal(found["unit_scores"], expected["unit_scores"])


def test_a_capture_that_fails_is_done_without(
    bundle: Bundle, machine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    machine.cuda._refuse_capture = True
    feeds = trial_feeds(bundle)
    with open_engine(bundle) as engine, open_reference(bundle) as reference:
        with caplog.at_level(logging.WARNING):
            for _ in range(4):
                found = engine.run(feeds)
        np.testing.assert_array_equal(found["class_scores"], reference.run(feeds)["class_scores"])
    assert caplog.text.count("runs without a CUDA graph") == 1
    assert machine.cuda._count("cudaStreamBeginCapture") == 1


def test_wrong_inputs_are_named(bundle: Bundle, machine: Any) -> None:
    feeds = trial_feeds(bundle)
    with open_engine(bundle) as engine:
        cases: dict[str, dict[str, Any]] = {
            "input text has 1025 rows; this engine was built for 1 to 1024": {
                "text": np.zeros((1025, 3), np.float32)
            },
            r"input text has 0 rows": {"text": np.zeros((0, 3), np.float32)},
            r"input frame is uint8 \(1, 5, 8, 3\), expected uint8 \(1, 6, 8, 3\)": {
                "frame": np.zeros((1, 5, 8, 3), np.uint8)
            },
            "input frame is float32": {"frame": np.zeros((1, 6, 8, 3), np.float32)},
        }
        for message, wrong in cases.items():
            with pytest.raises(MgcaError, match=message):
                engine.run({**feeds, **wrong})
        with pytest.raises(MgcaError, match="the graph has no output labels"):
            engine.run(feeds, ["labels"])
        assert set(engine.run(feeds)) == set(engine.outputs)
    with pytest.raises(MgcaError, match="has been closed"):
        engine.run(feeds)
    engine.close()


def test_too_little_gpu_memory_is_one_line_and_leaves_nothing(bundle: Bundle, machine: Any) -> None:
    with open_engine(bundle):
        pass
    machine.cuda._free_bytes = 100
    with pytest.raises(MgcaError, match=r"CUDA: .*cudaErrorMemoryAllocation"):
        open_engine(bundle)
    machine.cuda._assert_all_freed()


def test_through_the_segmenter(bundle: Bundle, machine: Any) -> None:
    frame = np.zeros((6, 8, 3), np.uint8)
    frame[:, :4], frame[:, 4:] = (0, 0, 200), (200, 0, 0)
    with Segmenter.load(bundle, "tensorrt") as segmenter:
        assert isinstance(segmenter.backend, TensorRtBackend)
        segmenter.set_classes("red,blue")
        assert (segmenter(frame).labels == [[0] * 4 + [1] * 4] * 6).all()
        segmenter.set_classes("blue,red,green")
        assert (segmenter(frame).labels == [[1] * 4 + [0] * 4] * 6).all()
        segmenter.units = "pixel"
        assert (segmenter(frame).labels == [[1] * 4 + [0] * 4] * 6).all()


def test_the_fakes_notice_what_a_gpu_would_not_forgive(
    bundle: Bundle, install: Callable[..., Any]
) -> None:
    """The fake must notice: a read beyond what was allocated, and names that do not exist."""
    machine = install("11.4")
    with open_engine(bundle) as engine:
        block = engine._arena.inputs
        with pytest.raises(AssertionError, match="in device memory"):
            machine.cuda._read(block.device, block.size + 1)
        with pytest.raises(AttributeError, match="FP16"):
            _ = machine.trt.BuilderFlag.FP16
        with pytest.raises(AttributeError, match="has no device_memory_size"):
            _ = engine._engine.device_memory_size
        with pytest.raises(AttributeError, match="takes none of 1 arguments"):
            engine._context.set_input_shape("text")
        with pytest.raises(AttributeError, match="has no cudaMemcpyAsyn"):
            _ = machine.cuda.cudaMemcpyAsyn
