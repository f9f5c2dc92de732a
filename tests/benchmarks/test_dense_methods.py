"""What methods of dense features cost, and how many units encoders give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from benchmarks import dense_methods, unit_counts  # noqa: E402
from training.model.dense import DENSE_MODES  # noqa: E402


@pytest.mark.slow
def test_a_method_beside_what_it_is_compared_with(tmp_path: Path, capsys) -> None:
    target = tmp_path / "cost.json"
    flags = ["--clip", "mgca-tiny", "--size", "64x48", "--rounds", "1", "--methods", "naclip"]
    assert dense_methods.main([*flags, "--json", str(target)]) == 0
    record = json.loads(target.read_text())
    assert list(record["methods"]) == ["naclip", "clearclip"]
    assert record["methods"]["clearclip"]["to_clearclip"] == 1
    # Keys and values against queries and values, of which clearclip takes the keys along.
    assert 0.9 < _gflop(record, "naclip") / _gflop(record, "clearclip") < 1
    assert "to clearclip" in capsys.readouterr().out


def _gflop(record: dict, method: str) -> float:
    return record["methods"][method]["encoder_gflop"]


def test_all_methods_are_measured() -> None:
    assert dense_methods.METHODS == DENSE_MODES


@pytest.mark.parametrize("methods", ["", "naclip,other"])
def test_one_line_for_methods_that_are_not_there(methods: str, capsys) -> None:
    assert dense_methods.main(["--methods", methods]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and "expected some of tokens, maskclip" in error[0]


@pytest.mark.parametrize("scale", unit_counts.SCALES)
def test_embeddings_are_set_apart_from_their_mean(scale: float) -> None:
    embeddings = torch.randn(8, 4, 4, generator=torch.Generator().manual_seed(0)) + 30
    apart = unit_counts.set_apart(embeddings, scale)
    before, after = (float((x / x.norm(dim=0)).var((1, 2)).sum()) for x in (embeddings, apart))
    assert after / before == pytest.approx(scale**2, rel=0.3)


def test_one_spread_counts_alike_where_one_cosine_does_not() -> None:
    generator = torch.Generator().manual_seed(1)
    things = torch.randn(16, 4, 4, generator=generator).repeat_interleave(8, 1)
    embeddings, colors = things.repeat_interleave(8, 2) + 1, torch.rand(3, 32, 32)
    counts = {
        spread: [
            unit_counts.count_units(unit_counts.set_apart(embeddings, scale), colors, spread)
            for scale in (0.25, 1.0)
        ]
        for spread in (0.0, 0.2)
    }
    assert counts[0.0][0] == 1 < counts[0.0][1]
    assert min(counts[0.2]) > max(counts[0.2]) / 3 > 1
