"""``benchmarks.night``: what grows is found, and a short night."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.night import TELLING_FRAMES, Sample, judge, main
from runtime.errors import UserError


def samples(growth_bytes: float = 0.0, handles: int = 0, threads: int = 0) -> list[Sample]:
    """A hundred samples of a run of the least length that tells; counts grow at the end."""
    every = TELLING_FRAMES // 100
    return [
        Sample(
            place * every, 10**8 + round(place * every * growth_bytes),
            20 + handles * (place > 80), 9 + threads * (place > 80),
        )
        for place in range(1, 101)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("night", "last_ms", "says"),
    [
        (samples(), 11.0, []),
        (samples(growth_bytes=9.0), 11.0, []),  # 0.9 MB per 100,000 frames
        (samples(growth_bytes=12.0), 11.0, ["memory grows by 1.20 MB"]),
        (samples(handles=3), 11.0, ["handles grew from 20 to 23"]),
        (samples(threads=3), 11.0, ["threads grew from 9 to 12"]),
        (samples(), 12.5, ["p99 grew from 10.0 to 12.5 ms"]),
    ],
)
def test_what_grows_is_found(night: list[Sample], last_ms: float, says: list[str]) -> None:
    ages = np.full(TELLING_FRAMES, 10.0, np.float32)
    ages[-5000:] = last_ms
    _, wrong = judge(night, ages, TELLING_FRAMES // 4, TELLING_FRAMES)
    assert [text.split(" per ")[0] for text in wrong] == says


def test_a_short_run_tells_nothing_of_memory_and_needs_samples() -> None:
    night, ages = samples(growth_bytes=500.0), np.full(1000, 10.0, np.float32)
    figures, wrong = judge(night, ages, 0, 1000)
    assert wrong == [] and figures["rss_slope_mb_per_100k"] == pytest.approx(50.0, abs=0.1)
    with pytest.raises(UserError, match="too few"):
        judge(night, ages, TELLING_FRAMES - 2000, TELLING_FRAMES)


@pytest.mark.slow
def test_a_short_night(tmp_path: Path) -> None:
    code = main(["--frames", "500", "--fail-s", "1", "--change-s", "0.1",
                 "--json", str(tmp_path / "n.json")])  # fmt: skip
    record = json.loads((tmp_path / "n.json").read_text())
    assert (code, record["wrong"], record["disorder"], record["errors"]) == (0, [], [], [])
    assert record["frames"] == 500 and record["lists_seen"] > 1 and record["restarts"] >= 1
    assert record["recorded"]["files"] >= 1 and len(record["samples"]) > 100


@pytest.mark.long  # seven minutes on an idle machine
def test_a_long_night(tmp_path: Path) -> None:
    """Memory, handles, threads and order; how fast frames go is the machine's affair."""
    main(["--json", str(tmp_path / "n.json")])
    record = json.loads((tmp_path / "n.json").read_text())
    assert record["frames"] == 200_000 and record["restarts"] > 5
    assert [text for text in record["wrong"] if not text.startswith("p99")] == []
