"""The committed cost of a real model: what stands beside the encoder is cheap."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

# Little beside the encoder at ViT-B/16 and 448 x 448.
MOST_BESIDE_ENCODER = 0.15
DOCUMENTED = "python -m benchmarks.graph_cost --clip ViT-B-16 --size 448x448"


@pytest.mark.lint
def test_decoder_units_and_labelling_cost_little_beside_the_encoder(repository: Path) -> None:
    path = repository / "benchmarks" / "results" / "graph_cost_vit_b_16.json"
    record = json.loads(path.read_text())
    flops = {stage: cost["flops"] for stage, cost in record["stages"].items()}
    assert all(flops[stage] > 0 for stage in ("encoder", "decoder", "units", "labelling"))
    beside = sum(flops[stage] for stage in ("decoder", "units", "labelling"))
    assert beside <= MOST_BESIDE_ENCODER * flops["encoder"]
    everything = sum(count for stage, count in flops.items() if stage != "encoder")
    assert record["share_beside_encoder"] == pytest.approx(everything / flops["encoder"])
    assert (record["clip"], record["size_wh"]) == ("ViT-B-16", [448, 448])
    # The page names the command, the record the same one and where it was written to.
    assert DOCUMENTED in (repository / "docs" / "export.md").read_text()
    where = path.relative_to(repository)
    assert record["command"] == f"{DOCUMENTED} --json {where.as_posix()}"
