"""An fp16 bundle on a processor without half precision is told of, and served."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from runtime import Model
from runtime.bundle import Bundle


@pytest.mark.parametrize(
    ("precision", "half", "told"), [("fp16", False, 1), ("fp16", True, 0), ("fp32", False, 0)]
)
def test_an_fp16_bundle_that_is_computed_in_fp32(
    make_bundle: Callable[..., Bundle],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    precision: str,
    half: bool,
    told: int,
) -> None:
    monkeypatch.setattr("runtime.backends.casts.computes_half", lambda: half)
    bundle = make_bundle(precision=precision)
    with caplog.at_level(logging.WARNING):
        Model.load(bundle, "onnxruntime-cpu", threads=1).close()
    assert caplog.text.count("is an fp16 bundle, which ONNX Runtime computes in fp32") == told
