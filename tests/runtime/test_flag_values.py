"""Durations and sizes: read with their unit, written back as the same, refused in plain words."""

from __future__ import annotations

import argparse

import pytest

from runtime.flag_values import byte_count, duration_s, write_byte_count, write_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("10m", 600), ("1h", 3600), ("2d", 172800), ("1.5 H", 5400), ("0.25s", 0.25)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(0.1)(text) == seconds
    assert duration_s(0.1)(write_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("20GB", 20 * 10**9), ("500mb", 5 * 10**8), ("1.5TB", 15 * 10**11), ("1 GiB", 2**30),
     ("7B", 7)],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    assert byte_count(1)(text) == size
    assert byte_count(1)(write_byte_count(size)) == size


@pytest.mark.parametrize("text", ["", "10", "m", "10x", "-1m", "1e3s", "nan", "inf s", "10m 5s",
                                  "٣s", "9" * 400 + "s", "0s"])  # fmt: skip
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        duration_s(1)(text)
    assert str(caught.value) == (
        f"expected a duration such as 30s, 10m or 1h, from 1s up, not {text!r}"
    )


@pytest.mark.parametrize("text", ["", "20", "GB", "20GBs", "-1GB", "1e9B", "999kB", "20 G B"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        byte_count(10**6)(text)
    assert str(caught.value) == f"expected a size such as 500MB or 20GB, from 1MB up, not {text!r}"


def test_a_longest_duration_is_told() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="from 1s to 1h, not '2h'"):
        duration_s(1, 3600)("2h")
