"""The cost of a graph, its stages and the share beside the encoder."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from benchmarks.graph_cost import build_parser, load_subject, main, summarise


def test_the_share_counts_everything_but_the_encoder() -> None:
    stages = {
        "encoder": {"nodes": 5, "weight_bytes": 100, "flops": 1000},
        "decoder": {"nodes": 2, "weight_bytes": 10, "flops": 30},
        "units": {"nodes": 1, "weight_bytes": 0, "flops": 14},
    }
    found = summarise(stages, words=2, source_wh=(2, 2))
    # 7 operations for each of 2 words at each of 4 pixels.
    assert found["stages"]["labelling"]["flops"] == 56
    assert found["share_beside_encoder"] == pytest.approx((30 + 14 + 56) / 1000)
    assert found["nodes"] == 8 and found["weight_bytes"] == 110


def test_one_line_for_a_size_between_patches(capsys) -> None:
    assert main(["--clip", "mgca-tiny", "--size", "100x64"]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and "multiples of 8" in error[0]


def test_one_model_at_a_time(capsys) -> None:
    assert main(["--clip", "mgca-tiny", "--checkpoint", "a.pt"]) == 2
    assert "expected one of them" in capsys.readouterr().err


def test_a_checkpoint_is_counted_with_its_own_units(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.engine.checkpoint import load_checkpoint

    shipped = repository / "training" / "assets" / "demo.pt"
    own = load_checkpoint(shipped)
    # reading it three times would only take longer
    monkeypatch.setattr("training.engine.checkpoint.load_checkpoint", {shipped: own}.__getitem__)
    whole = load_subject(build_parser().parse_args(["--checkpoint", str(shipped)]))
    assert whole.model.config == own.config.model
    assert whole.units == own.config.units
    assert whole.space is not None
    assert whole.size_wh == own.config.export_size_wh
    flags = ["--checkpoint", str(shipped), "--size", "64x48", "--seeds", "12"]
    changed = load_subject(build_parser().parse_args(flags))
    assert changed.size_wh == (64, 48)
    assert changed.units == dataclasses.replace(own.config.units, seeds=12)


@pytest.mark.slow
def test_the_tiny_model(tmp_path: Path, capsys) -> None:
    path = tmp_path / "cost.json"
    flags = ["--clip", "mgca-tiny", "--size", "96x64", "--words", "5", "--rounds", "2"]
    flags += ["--json", str(path)]
    assert main(flags) == 0
    assert "beside the encoder" in capsys.readouterr().out
    record = json.loads(path.read_text())
    assert record["command"].endswith(" ".join(flags))
    assert (record["clip"], record["units"]["rounds"]) == ("mgca-tiny", 2)
    stages = {"input", "encoder", "decoder", "units", "scores", "labelling"}
    assert set(record["stages"]) == stages
    # 12 x 8 patches on a grid of 48 x 32: pixels and 64 units meet the words, and each pixel reads
    # the units of nine cells.
    scores = record["stages"]["scores"]["flops"]
    assert scores == 2 * 5 * (48 * 32 * (128 + 9) + 64 * 128)
