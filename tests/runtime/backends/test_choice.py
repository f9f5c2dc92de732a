"""``--backend auto``: real backends where there are any, and liars that must not be taken."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime import Segmenter
from runtime.backends import choice, open_backend
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.backends.parity import Agreement, compare_outputs, trial_feeds
from runtime.bundle import Bundle
from runtime.cache import cache_folder, read_record, record_key, write_record
from runtime.errors import BundleError, MgcaError, UserError


class QuickBackend(OnnxRuntimeBackend):
    """ONNX Runtime that answers from memory: faster than itself, and right unless told to lie."""

    def __init__(self, path: Path, lie: Callable[[np.ndarray], np.ndarray] = lambda x: x) -> None:
        super().__init__(path, "cpu", 1)
        self.lie = lie
        self.answers: dict[bytes, dict[str, np.ndarray]] | None = {}

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        key = feeds["frame"].tobytes()
        if self.answers is None or key not in self.answers:
            answer = super().run(feeds)
            assert self.answers is not None
            self.answers[key] = {
                name: self.lie(value) if name.endswith("_scores") else value
                for name, value in answer.items()
            }
        return self.answers[key]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three candidates on any machine; the list of what has been opened."""
    names = ("onnxruntime-cuda", "openvino", "onnxruntime-cpu")
    monkeypatch.setattr(choice, "candidates", lambda: names)
    return []


def opener(bundle: Bundle, opened: list[str], **others: Any) -> Callable[[str], Any]:
    def open_by_name(name: str) -> Any:
        opened.append(name)
        if name in others:
            return others[name]()
        if name == "onnxruntime-cpu":
            return OnnxRuntimeBackend(bundle.file("segmenter.onnx"), "cpu", 1)
        raise UserError(f"{name} is not here")

    return open_by_name


def test_one_candidate_is_opened_and_nothing_is_tried(
    bundle: Bundle, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "candidates", lambda: ("onnxruntime-cpu",))
    with open_backend(bundle, "auto") as backend:
        assert backend.name == "onnxruntime-cpu"
    assert not own_cache.exists()


def test_the_fastest_that_agrees_is_taken_and_remembered(
    bundle: Bundle, opened: list[str], own_cache: Path
) -> None:
    path = bundle.file("segmenter.onnx")
    by_name = opener(bundle, opened, openvino=lambda: QuickBackend(path))
    assert isinstance(choice.open_fastest(bundle, None, by_name), QuickBackend)
    assert opened == ["onnxruntime-cpu", "openvino", "onnxruntime-cuda"]
    record = json.loads(next(own_cache.rglob("*.json")).read_text())
    assert record["chosen"] == "openvino" and record["bundle"] == bundle.id
    assert record["tried"]["onnxruntime-cuda"] == {"error": "onnxruntime-cuda is not here"}
    assert record["tried"]["openvino"]["by_unit"] == 1.0
    opened.clear()
    assert isinstance(choice.open_fastest(bundle, None, by_name), QuickBackend)
    assert opened == ["openvino"]


def test_another_bundle_or_thread_count_is_tried_again(
    bundle: Bundle, make_bundle: Callable[..., Bundle], opened: list[str]
) -> None:
    by_name = opener(bundle, opened, openvino=lambda: QuickBackend(bundle.file("segmenter.onnx")))
    choice.open_fastest(bundle, None, by_name)
    opened.clear()
    choice.open_fastest(bundle, 2, by_name)
    assert len(opened) == 3
    opened.clear()
    choice.open_fastest(make_bundle("other", model_id="other"), None, by_name)
    assert len(opened) == 3


@pytest.mark.parametrize(
    "lie",
    [
        lambda scores: -scores,
        lambda scores: np.full_like(scores, np.nan),
        lambda scores: scores + 0.1,  # same winners, but another model's cosines
        lambda scores: np.roll(scores, 1, axis=-2),
    ],
)
def test_a_fast_liar_is_passed_over(
    bundle: Bundle, opened: list[str], caplog: pytest.LogCaptureFixture, lie: Any
) -> None:
    path = bundle.file("segmenter.onnx")
    by_name = opener(bundle, opened, openvino=lambda: QuickBackend(path, lie))
    with caplog.at_level(logging.WARNING):
        backend = choice.open_fastest(bundle, None, by_name)
    assert type(backend) is OnnxRuntimeBackend and backend.name == "onnxruntime-cpu"
    assert "openvino is passed over: it disagrees with onnxruntime-cpu" in caplog.text


def test_a_backend_that_fails_while_running_is_passed_over(
    bundle: Bundle, opened: list[str]
) -> None:
    def broken() -> Any:
        backend = QuickBackend(bundle.file("segmenter.onnx"))
        backend.close()
        backend.answers = None
        return backend

    backend = choice.open_fastest(bundle, None, opener(bundle, opened, openvino=broken))
    assert backend.name == "onnxruntime-cpu"
    assert set(backend.run(trial_feeds(bundle))) == set(backend.outputs)


def test_a_remembered_backend_that_no_longer_loads(bundle: Bundle, opened: list[str]) -> None:
    path = bundle.file("segmenter.onnx")
    choice.open_fastest(bundle, None, opener(bundle, [], openvino=lambda: QuickBackend(path)))
    backend = choice.open_fastest(bundle, None, opener(bundle, opened))
    assert backend.name == "onnxruntime-cpu" and opened[0] == "openvino" and len(opened) == 4
    opened.clear()
    choice.open_fastest(bundle, None, opener(bundle, opened))
    assert opened == ["onnxruntime-cpu"]


@pytest.mark.parametrize("error", [RuntimeError("torn"), OSError("no driver"), ValueError()])
def test_any_error_of_a_candidate_is_passed_over(
    bundle: Bundle, opened: list[str], caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    path = bundle.file("segmenter.onnx")
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    for broken in (fail, lambda: QuickBackend(path, fail)):  # while loading, and while running
        with caplog.at_level(logging.WARNING):
            backend = choice.open_fastest(bundle, 3, opener(bundle, opened, openvino=broken))
        assert type(backend) is OnnxRuntimeBackend
        assert f"backend openvino is passed over: {reason}" in caplog.text
        caplog.clear()
        for record in cache_folder().rglob("*.json"):
            record.unlink()
    # And of one that was chosen at an earlier start.
    choice.open_fastest(bundle, 3, opener(bundle, [], openvino=lambda: QuickBackend(path)))
    with caplog.at_level(logging.WARNING):
        backend = choice.open_fastest(bundle, 3, opener(bundle, opened, openvino=fail))
    assert backend.name == "onnxruntime-cpu" and type(backend) is OnnxRuntimeBackend
    assert f"backend openvino, chosen before, no longer loads: {reason}" in caplog.text


def test_an_interruption_is_no_reason_to_try_the_next_one(
    bundle: Bundle, opened: list[str]
) -> None:
    def interrupt() -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        choice.open_fastest(bundle, None, opener(bundle, opened, openvino=interrupt))
    assert opened == ["onnxruntime-cpu", "openvino"]


def test_a_spoilt_or_missing_cache_only_costs_time(
    bundle: Bundle, opened: list[str], own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_name = opener(bundle, opened)
    choice.open_fastest(bundle, None, by_name)
    for text in ("{", "[]", '{"chosen": "../../evil"}', '{"chosen": ["openvino"]}'):
        next(own_cache.rglob("*.json")).write_text(text)
        opened.clear()
        assert choice.open_fastest(bundle, None, by_name).name == "onnxruntime-cpu"
        assert len(opened) == 3
    monkeypatch.setenv("MGCA_CACHE", str(bundle.file("segmenter.onnx") / "impossible"))
    assert choice.open_fastest(bundle, None, by_name).name == "onnxruntime-cpu"


def test_a_graph_that_is_not_the_manifests_is_the_bundles_fault(
    make_bundle: Callable[..., Bundle], graphs: Any, opened: list[str]
) -> None:
    bundle = make_bundle(files={"segmenter.onnx": graphs.segmenter(dtype="FLOAT16")})
    with pytest.raises(BundleError, match=r"segmenter\.onnx: input text is float16"):
        choice.open_fastest(bundle, None, opener(bundle, opened))


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("MGCA_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "mgca"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "mgca"


def test_records_there_and_back(own_cache: Path) -> None:
    key = record_key({"a": 1, "b": [2]})
    assert key == record_key({"b": [2], "a": 1}) != record_key({"a": 1, "b": [3]})
    assert read_record("kind", key) is None
    write_record("kind", key, {"chosen": "x"})
    assert read_record("kind", key) == {"chosen": "x"}
    assert [path.name for path in own_cache.rglob("*") if path.is_file()] == [f"{key}.json"]


def test_agreement_by_hand() -> None:
    reference = {
        "class_scores": np.array([[[[0.9, 0.2, 0.500]], [[0.1, 0.8, 0.499]]]]),
        "pixel_scores": np.array([[[[0.9, 0.2]], [[0.1, 0.8]]]]),
    }
    turned = {
        # The third pixel's winner leads by 0.001 only: its turning proves nothing.
        "class_scores": np.array([[[[0.9, 0.2, 0.498]], [[0.1, 0.8, 0.499]]]]),
        "pixel_scores": np.array([[[[0.9, 0.9]], [[0.1, 0.8]]]]),
    }
    found = compare_outputs(turned, reference)
    assert found == Agreement(1.0, 0.5, pytest.approx(0.7 / 4))
    assert not found.passed and Agreement(1.0, 0.99, 0.005).passed
    assert not Agreement(1.0, 1.0, float("nan")).passed


def test_the_trial_frame_is_a_frame_of_the_bundle(bundle: Bundle) -> None:
    feeds = trial_feeds(bundle)
    with open_backend(bundle, "onnxruntime-cpu") as backend:
        outputs = backend.run(feeds)
    assert feeds["frame"].std() > 20
    np.testing.assert_array_equal(trial_feeds(bundle)["frame"], feeds["frame"])
    assert compare_outputs(outputs, outputs) == Agreement(1.0, 1.0, 0.0)


@pytest.fixture
def with_openvino() -> None:
    pytest.importorskip("openvino")


@pytest.mark.usefixtures("with_openvino")
def test_openvino_says_what_onnxruntime_says(bundle: Bundle) -> None:
    feeds = trial_feeds(bundle)
    with (
        open_backend(bundle, "openvino", threads=1) as vino,
        open_backend(bundle, "onnxruntime-cpu", threads=1) as runtime,
    ):
        assert vino.name == "openvino" and vino.provider == "OpenVINO CPU f32"
        assert vino.inputs["frame"] == runtime.inputs["frame"]
        assert vino.inputs["text"].dtype == "float32" and vino.inputs["text"].shape[1] == 3
        found, reference = vino.run(feeds), runtime.run(feeds)
        for name, values in reference.items():
            np.testing.assert_allclose(found[name], values, atol=1e-5)
        # Another number of words at once, and what came out before stays as it was.
        kept = found["pixel_scores"].copy()
        few = vino.run({"frame": feeds["frame"] // 2, "text": feeds["text"][:2]}, ["pixel_scores"])
        assert list(few) == ["pixel_scores"] and few["pixel_scores"].shape == (1, 2, 3, 4)
        np.testing.assert_array_equal(found["pixel_scores"], kept)


@pytest.mark.usefixtures("with_openvino")
@pytest.mark.parametrize("words", [1, 32, 45])
def test_fixed_shapes_say_the_same_as_free_ones(bundle: Bundle, words: int) -> None:
    """What an NPU needs, on the CPU: rows of text filled up, and cut off again."""
    from runtime.backends.openvino import OpenVinoBackend

    text = np.random.default_rng(0).standard_normal((words, 3)).astype(np.float32)
    feeds = {"frame": trial_feeds(bundle)["frame"], "text": text}
    with (
        OpenVinoBackend(bundle.file("segmenter.onnx"), "f32", 1, padded=True) as vino,
        open_backend(bundle, "onnxruntime-cpu", threads=1) as runtime,
    ):
        found, reference = vino.run(feeds), runtime.run(feeds)
        for name, values in reference.items():
            assert found[name].shape == values.shape
            np.testing.assert_allclose(found[name], values, atol=1e-5)
        again = vino.run({"frame": feeds["frame"], "text": text[:1]}, ["pixel_scores"])
        np.testing.assert_allclose(
            again["pixel_scores"], reference["pixel_scores"][:, :1], atol=1e-5
        )


@pytest.mark.usefixtures("with_openvino")
def test_an_npu_that_is_not_there_is_one_line(bundle: Bundle) -> None:
    import openvino

    if "NPU" in openvino.Core().available_devices:
        pytest.skip("there is one")
    with pytest.raises(UserError, match=r"backend openvino-npu: OpenVINO .* sees no NPU here"):
        open_backend(bundle, "openvino-npu")


@pytest.mark.usefixtures("with_openvino")
def test_openvino_errors_are_one_line(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runtime.backends import openvino

    (tmp_path / "x.onnx").write_bytes(b"not a graph")
    with monkeypatch.context() as patch:  # as if ONNX Runtime took it
        patch.setattr(openvino, "expect_well_formed", lambda path: None)
        with pytest.raises(BundleError, match=r"x\.onnx cannot be loaded by OpenVINO"):
            openvino.OpenVinoBackend(tmp_path / "x.onnx")
    backend = open_backend(bundle, "openvino", threads=1)
    with pytest.raises(MgcaError) as caught:
        backend.run({"frame": np.zeros((1, 5, 8, 3), np.uint8), "text": np.eye(3, dtype="f4")})
    assert str(caught.value) == "input frame is uint8 (1, 5, 8, 3), expected uint8 (1, 6, 8, 3)"
    backend.close()
    with pytest.raises(MgcaError, match="has been closed"):
        backend.run(trial_feeds(bundle))


@pytest.mark.usefixtures("with_openvino")
def test_auto_with_openvino_really_there(bundle: Bundle) -> None:
    for _ in range(2):
        with Segmenter.load(bundle, "auto", threads=1) as segmenter:
            assert segmenter.backend.name in ("openvino", "onnxruntime-cpu", "onnxruntime-cuda")
            segmenter.set_classes("red,blue")
            frame = np.zeros((6, 8, 3), np.uint8)
            frame[:, :4], frame[:, 4:] = (0, 0, 200), (200, 0, 0)
            assert (segmenter(frame).labels == [[0] * 4 + [1] * 4] * 6).all()


def test_without_openvino_one_line(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(UserError) as caught:
        open_backend(bundle, "openvino")
    assert str(caught.value).startswith("backend openvino needs the package openvino (")
    assert str(caught.value).endswith(
        "install it with pip install 'openvino>=2025.0', or use onnxruntime-cpu"
    )
