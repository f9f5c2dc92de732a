"""What ``python -m benchmarks.gpu`` calls agreement: full precision, and less by design."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import gpu
from export.parity.gate import LEAST_AGREEMENT as GATE
from runtime.backends.abilities import computes_bfloat16
from runtime.backends.open import BACKEND_NAMES
from runtime.backends.parity import (
    LEAST_AGREEMENT_LESS_PRECISE,
    LESS_PRECISE,
    Agreement,
    agree_over_frames,
    mean_of,
    worst_of,
)

SAME = Agreement(1.0, 1.0, 0.0)


def test_mean_and_worst_by_hand() -> None:
    frames = [Agreement(1.0, 0.5, 0.25), Agreement(0.5, 1.0, 0.75)]
    assert mean_of(frames) == Agreement(0.75, 0.75, 0.5)
    assert worst_of(frames) == Agreement(0.5, 0.5, 0.75)


@pytest.mark.parametrize(
    ("odd", "full", "less"),
    [
        (SAME, True, True),
        (Agreement(0.985, 1.0, 0.001), False, True),  # units of one frame merged otherwise
        (Agreement(0.95, 1.0, 0.001), False, True),  # the mean of the two is 0.975
        (Agreement(0.93, 1.0, 0.001), False, False),
        (Agreement(1.0, 0.93, 0.001), False, False),
        (Agreement(1.0, 1.0, 0.006), False, False),  # another model's cosines
        (Agreement(1.0, 1.0, float("nan")), False, False),
    ],
)
def test_less_precision_has_its_own_limit(odd: Agreement, full: bool, less: bool) -> None:
    assert agree_over_frames("openvino", [SAME, odd]) is full
    for name in LESS_PRECISE:
        assert agree_over_frames(name, [SAME, odd]) is less


def test_the_limit_is_the_exports_for_int8_and_the_names_are_backends() -> None:
    assert LEAST_AGREEMENT_LESS_PRECISE == GATE["int8"]
    assert set(LESS_PRECISE) < set(BACKEND_NAMES)


def measure(out: Path, *more: str) -> int:
    return gpu.main(
        [
            *("--backends", "openvino-bf16", "--frames", "1", "--warmup", "0"),
            *("--parity-frames", "2", "--out", str(out)),
            *more,
        ]
    )


@pytest.mark.slow
def test_bf16_on_the_shipped_bundle_does_not_fail_the_command(tmp_path: Path) -> None:
    """Measured where the CPU multiplies in bf16; elsewhere named as not run, without a failure."""
    pytest.importorskip("openvino")
    out = tmp_path / "figures.md"
    assert measure(out) == 0
    text = out.read_text()
    assert "(openvino-bf16, openvino-npu) under 0.97 in the mean" in text
    assert "disagrees)" not in text
    if computes_bfloat16():
        assert "| openvino-bf16 | OpenVINO CPU " in text
    else:
        assert "Not run here:" in text and "does not multiply in bfloat16" in text
