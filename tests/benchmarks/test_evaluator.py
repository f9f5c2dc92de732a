"""What scoring takes beside the graph, on a graph made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import evaluator


@pytest.mark.slow
def test_the_record_has_time_and_memory(tmp_path: Path) -> None:
    target = tmp_path / "evaluator.json"
    # The shipped bundle: its windows are large, so that there are few.
    flags = ["--backend", "onnxruntime-cpu", "--size", "64x48"]
    flags += ["--pictures", "1", "--rounds", "1", "--protocol", "sclip", "--json", str(target)]
    assert evaluator.main(flags) == 0
    record = json.loads(target.read_text())
    assert record["classes"] == 171
    assert record["wall_ratio"] == pytest.approx(record["whole_s"] / record["graph_s"])
    assert record["whole_cpu_s"] > record["graph_cpu_s"] > 0
    assert record["session_mib"] > 0


def test_pictures_of_noise_come_again_with_labels_of_blocks() -> None:
    dataset = evaluator.noise_set((130, 70), 2)
    first, second = dataset.open()
    assert first.frame_bgr.shape == (70, 130, 3)
    assert (first.labels_hw[:64, :64] == first.labels_hw[0, 0]).all()
    assert first.labels_hw.max() < 171
    assert (first.frame_bgr != second.frame_bgr).any()
    assert (next(dataset.open_at(1)).frame_bgr == second.frame_bgr).all()
