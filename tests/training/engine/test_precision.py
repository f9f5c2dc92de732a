"""Precision: bfloat16 only where the device computes in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import training.engine.precision  # noqa: E402
from training.engine.precision import autocast_on, computes_bf16, precision_on  # noqa: E402

CPU = torch.device("cpu")


def product_dtype(precision: str) -> torch.dtype:
    with autocast_on(CPU, precision):
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


@pytest.mark.parametrize(
    ("computes", "asked", "found"),
    [
        (True, "bf16", "bf16"),
        (True, "fp32", "fp32"),
        (False, "bf16", "fp32"),
        (False, "fp32", "fp32"),
    ],
)
def test_precision_is_what_was_asked_for_where_the_device_computes_in_it(
    monkeypatch: pytest.MonkeyPatch, computes: bool, asked: str, found: str
) -> None:
    monkeypatch.setattr(training.engine.precision, "computes_bf16", lambda device: computes)
    assert precision_on(CPU, asked) == found
    assert product_dtype(asked) is {"bf16": torch.bfloat16, "fp32": torch.float32}[found]


def test_this_processor_is_asked_and_not_guessed() -> None:
    """The kernel's own list of instructions says the same, where there is one."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        pytest.skip("no /proc/cpuinfo here")
    if "ONEDNN_MAX_CPU_ISA" in os.environ:
        pytest.skip("oneDNN is told to use less than the processor has")
    if "avx2" not in flags:
        pytest.skip("not x86, or older than AVX2")
    if "avx512bw" in flags:
        assert computes_bf16(CPU)
    elif not {"avx_ne_convert", "avx10"} & set(flags):
        assert not computes_bf16(CPU)


def test_the_context_may_be_entered_again() -> None:
    context = autocast_on(CPU, "bf16")
    for _ in range(2):
        with context:
            found = (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        assert found is (torch.bfloat16 if computes_bf16(CPU) else torch.float32)
