"""What PAMR costs in a graph, against its definition."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks import refinements


@pytest.mark.long
def test_operations_are_counted_by_definition(tmp_path: Path) -> None:
    flags = argparse.Namespace(checkpoint=None, clip="mgca-tiny", size=(32, 24))
    subject = refinements.load_subject(flags)
    plain, refined = (
        refinements.count(refinements.trace(subject, dilations, tmp_path))
        for dilations in ((), (2,))
    )
    width, height = (4 * side // subject.model.encoder.patch_size for side in (32, 24))
    by_definition = 2 * 10 * 8 * width * height * 20 / 1e9
    found = refined["refining_gflop"] - plain["refining_gflop"]
    assert found == pytest.approx(by_definition)
    assert refined["seeing_gflop"] == plain["seeing_gflop"] > 0
    assert refined["nodes"] > plain["nodes"] + 10 * 2
