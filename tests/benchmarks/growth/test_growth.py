"""``benchmarks.growth``: exponents, the verdict, and a whole run of small sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.growth.__main__ import SWEEPS, main
from benchmarks.growth.fit import fit_growth
from benchmarks.growth.record import describe_sweep, find_steep


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_powers_are_found(exponent: float) -> None:
    sizes = [1, 10, 100, 1000]
    growth = fit_growth(sizes, [3 * size**exponent for size in sizes], least=1e-9)
    assert growth.exponent == pytest.approx(exponent)
    assert growth.upper == pytest.approx(exponent)
    assert growth.standard_error == pytest.approx(0, abs=1e-7)


def test_a_constant_hides_growth_from_the_whole_and_less_from_the_upper_half() -> None:
    sizes = [2.0**power for power in range(8)]
    growth = fit_growth(sizes, [40 + size**2 for size in sizes], least=1e-9)
    assert growth.exponent < 1.4 < growth.upper < 2


def test_what_cannot_be_measured_does_not_grow() -> None:
    assert fit_growth([1, 2, 4], [0.0, 0.02, 0.4], least=1.0).exponent == pytest.approx(0)


def test_steep_growth_is_told() -> None:
    sizes = (10, 20, 40, 80)

    def sweep_of(power: float) -> dict[str, Any]:
        points = [{"size": n, "cpu_s": 1e-3 * n**power, "memory_mib": 5.0} for n in sizes]
        return describe_sweep(SWEEPS["images"], points)

    found = find_steep({"square": sweep_of(2), "line": sweep_of(1)}, 1.15)
    assert found == ["time grows with images (square) to the power of 2.00"]


def test_sizes_rise_and_names_are_one_each() -> None:
    for sweep in SWEEPS.values():
        assert list(sweep.sizes) == sorted(set(sweep.sizes)) and len(sweep.sizes) >= 5
        assert np.all(np.diff(sweep.quick) > 0)
    assert SWEEPS["unit-words"].sizes[-1] == 100_000


def test_bad_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "planets"]) == 2
    assert "unknown 'planets'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_quick_run_writes_all_it_was_asked_for(tmp_path: Path, capsys: Any) -> None:
    files = {name: tmp_path / name for name in ("growth.json", "growth.md", "growth.png")}
    flags = ["--quick", "--only", "unit-words,vocabulary", "--most", "9"]
    for flag, path in zip(("--json", "--page", "--figure"), files.values(), strict=True):
        flags += [flag, str(path)]
    assert main(flags) == 0
    record = json.loads(files["growth.json"].read_text())
    for name in ("unit-words", "vocabulary"):
        points = record["sweeps"][name]["points"]
        assert [point["size"] for point in points] == list(SWEEPS[name].quick)
        assert all(point["cpu_s"] > 0 and point["memory_mib"] > 0 for point in points)
    page = files["growth.md"].read_text()
    assert page.startswith("# Growth") and record["command"] in page
    assert files["growth.png"].read_bytes().startswith(b"\x89PNG")
    assert "unit-words" in capsys.readouterr().out
