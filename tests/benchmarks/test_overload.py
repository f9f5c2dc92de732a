"""``benchmarks.overload``: ages by minute, and a short run on a camera that is too fast."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.overload import by_minute, growth_of, main
from runtime.errors import UserError


def test_ages_are_summed_up_minute_by_minute() -> None:
    written_at = [100.0 + second for second in range(181)]
    ages_ms = [10.0] * 60 + [20.0] * 60 + [30.0] * 59 + [90.0, 500.0]
    minutes = by_minute(written_at, ages_ms, 60.0)
    assert [one["frames"] for one in minutes] == [60, 60, 60]  # the last line is of the fourth
    assert [one["p50_ms"] for one in minutes] == [10.0, 20.0, 30.0]
    assert minutes[2]["max_ms"] == 90.0
    assert growth_of(minutes) == pytest.approx(minutes[2]["p99_ms"] / 20.0, abs=1e-4)


def test_a_minute_without_a_line_is_none_to_compare() -> None:
    minutes = by_minute([0.0, 1.0, 150.0, 200.0], [1.0] * 4, 60.0)
    assert [one["frames"] for one in minutes] == [2, 0, 1]
    with pytest.raises(UserError, match="too short"):
        growth_of(minutes)
    assert by_minute([], [], 60.0) == []


def test_too_short_a_run_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--minutes", "2"]) == 2
    assert "--minutes is too short" in capsys.readouterr().err


@pytest.mark.slow
def test_a_short_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["--minutes", "3", "--minute-s", "1", "--camera", "64x48@60", "--backend",
         "onnxruntime-cpu", "--threads", "1", "--json", str(tmp_path / "o.json")]
    )  # fmt: skip
    assert code == 0
    record = json.loads((tmp_path / "o.json").read_text())
    assert len(record["minutes"]) == 3 and record["p99_growth"] > 0
    assert record["frames_dropped"] > record["frames_processed"] > 0
    assert record["fps"] <= 10.5 and record["dropped_by_output"] == 0
    assert "p99 of the last minute" in capsys.readouterr().out
