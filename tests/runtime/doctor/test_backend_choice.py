"""Which backend would run: what is remembered, else what would be tried; nothing is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.backends import choice
from runtime.bundle import Bundle
from runtime.cache import write_record
from runtime.doctor import backend_choice


@pytest.fixture(autouse=True)
def two_backends(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "candidates", lambda: ("openvino", "onnxruntime-cpu"))


def test_without_a_record_it_says_what_would_be_tried(bundle: Bundle) -> None:
    about, found, *others = backend_choice.look(str(bundle.path), "auto")
    assert about.detail == f"colors, fp32, 8x6 ({bundle.id})"
    assert found.detail == "none is remembered: the next start tries onnxruntime-cpu, openvino"
    assert found.values["chosen"] is None
    assert {one.name: one.state for one in others} == {
        "tensorrt": "missing",
        "onnxruntime-cuda-graph": "missing",
        "onnxruntime-cuda": "missing",
        "openvino-bf16": "missing",
    }


def test_a_remembered_choice_comes_with_its_figures(bundle: Bundle) -> None:
    figures = {"ms": 7.0, "against": "onnxruntime-cpu", "against_ms": 10.0, "ratio": 0.7}
    figures |= {"turns": 3, "labels": 1.0}
    tried = {"onnxruntime-cpu": {}, "openvino": figures}
    key = choice.look_ahead(bundle).key
    write_record("backend_choice", key, {"chosen": "openvino", "tried": tried})
    found = {one.name: one for one in backend_choice.look(str(bundle.path), "auto")}
    assert found["choice"].values["chosen"] == "openvino" and found["choice"].values["remembered"]
    assert found["openvino"].detail == (
        "7.0 ms a frame against 10.0 ms of onnxruntime-cpu (3 turns, ratio 0.70), "
        "100.00 % of labels the same"
    )
    assert found["onnxruntime-cpu"].state == "ok"


def test_what_was_passed_over_or_cannot_be_read(bundle: Bundle) -> None:
    key = choice.look_ahead(bundle).key
    tried = {"onnxruntime-cpu": {"ms": "?"}, "openvino": {"error": "its library is torn"}}
    write_record("backend_choice", key, {"chosen": "onnxruntime-cpu", "tried": tried})
    found = {one.name: one for one in backend_choice.look(str(bundle.path), "auto")}
    assert found["openvino"].state == "broken"
    assert found["openvino"].detail == "passed over: its library is torn"
    assert found["onnxruntime-cpu"].detail == "what is remembered of it cannot be read"


def test_a_backend_by_name_is_taken_as_it_is(bundle: Bundle) -> None:
    _, found = backend_choice.look(str(bundle.path), "openvino")
    assert found.detail == "openvino, as --backend says"
