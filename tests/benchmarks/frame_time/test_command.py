"""The whole command on the shipped bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.frame_time.__main__ import main, read_bundles
from benchmarks.frame_time.picture import draw
from benchmarks.frame_time.rounds import PARTS
from runtime.demo import DEMO_BUNDLE
from runtime.errors import UserError


@pytest.mark.slow
def test_a_record_and_its_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, figure = tmp_path / "found.json", tmp_path / "found.svg"
    flags = ["--frames", "2", "--warmup", "1", "--no-matrix-rate", "--bundle", f"now={DEMO_BUNDLE}"]
    assert main([*flags, "--json", str(target), "--figure", str(figure)]) == 0
    record = json.loads(target.read_text())
    [one] = record["bundles"]
    assert one["name"] == "now" and list(one["parts"]) == list(PARTS)
    assert all(times["cpu_ms"] >= 0 for times in one["parts"].values())
    total = sum(times["cpu_ms"] for times in one["parts"].values())
    assert one["total"]["cpu_ms"] == pytest.approx(total, abs=0.01)
    counted = one["gflop"]
    assert counted["encoder"] > 0 and counted["units and scores"] > 0
    assert record["clock"] == "cpu_ms" and record["matrix_rate"] is None
    assert record["hardware"]["cores"] >= 1 and record["versions"]["onnx"]
    assert figure.read_text(encoding="utf-8") == draw(record)
    assert "units and scores" in capsys.readouterr().out


def test_each_bundle_has_a_name_of_its_own(tmp_path: Path) -> None:
    names = read_bundles([str(DEMO_BUNDLE), f"now={DEMO_BUNDLE}"])
    assert list(names) == ["demo_bundle", "now"]
    with pytest.raises(UserError, match="a second one named now"):
        read_bundles([f"now={DEMO_BUNDLE}", f"now={DEMO_BUNDLE}"])
    with pytest.raises(UserError, match="no name"):
        read_bundles([f"={DEMO_BUNDLE}"])
