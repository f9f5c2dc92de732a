"""``benchmarks.windows``: what is counted, on a bundle small enough to be worked out on paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import accuracy, windows
from runtime.bundle import TextInfo, load_bundle
from tests.support.bundle import ENCODER_SHA256
from tests.support.official_layouts import write_voc


def test_windows_and_decisions_are_timed_in_turns(
    make_bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slid = make_bundle()
    inside = make_bundle("inside", created_by={"windows": {"count": 6}})
    target = tmp_path / "windows.json"
    flags = ["--bundle", str(slid.path), "--in-graph", str(inside.path), "--source", "32x24"]
    assert windows.main([*flags, "--rounds", "1", "--json", str(target)]) == 0
    record = json.loads(target.read_text())
    assert [row["windows"] for row in record["windows"]] == [1, 2, 4, 8, 15, 6]
    assert record["windows"][0]["a_window_to_a_single_one"] == 1
    assert [row["decided_by"] for row in record["decisions"]] == list(windows.DECISIONS)
    assert record["bundle"] == load_bundle(slid.path).id
    assert "graph, inside" in capsys.readouterr().out


def test_any_set_is_scored_in_windows(make_bundle, tmp_path: Path) -> None:
    root = write_voc(tmp_path, {"a": [0, 1, 20]})
    target = tmp_path / "record.json"
    bundle = make_bundle(text=TextInfo(77, ENCODER_SHA256, False))
    flags = ["--dataset", "voc20", "--root", str(root), "--bundle", str(bundle.path)]
    flags += ["--backend", "onnxruntime-cpu", "--units", "pixel", "--json", str(target)]
    scores = []
    for more in ([], ["--short-side", "12", "--stride", "4"]):
        assert accuracy.main([*flags, *more]) == 0
        scores.append(json.loads(target.read_text()))
    whole, slid = scores
    assert slid["windows"] == {"stride": 4, "short_side": 12} and "windows" not in whole
    assert "ceiling" in whole and "ceiling" not in slid  # a grid's, and there is none of one size
