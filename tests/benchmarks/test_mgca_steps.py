"""The command that weighs stored features and portions, on a tiny tower."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")

from benchmarks.mgca_steps import main


@pytest.mark.slow
def test_a_record_of_a_tiny_tower(tmp_path, monkeypatch, repository):
    monkeypatch.chdir(repository)
    out = tmp_path / "steps.json"
    sizes = ["--clip", "mgca-tiny", "--size", "64", "--batch", "4", "--large", "4"]
    assert main([*sizes, "--steps", "1", "--portions", "2", "--json", str(out)]) == 0
    record = json.loads(out.read_text())
    assert min(record["samples_s"].values()) > 0
    (portions,) = record["portions"]
    assert portions["portions"] == 2 and portions["fastest_step_s"] > 0
