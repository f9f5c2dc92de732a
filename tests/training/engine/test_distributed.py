"""Two real processes (gloo), as ``torchrun`` starts them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("webdataset")

from tests.support.processes import run_with_children
from tests.support.shards import write_shard
from training.data.portions import UNREADABLE
from training.engine.distributed import Processes


def test_a_process_alone_gathers_its_own_value():
    assert Processes("cpu").gather("x") == ["x"]


def write_pairs(path: Path, count: int) -> str:
    """Pictures of noise; every fourth one is broken."""
    random = np.random.default_rng(0)
    members = []
    for number in range(count):
        picture = random.integers(0, 256, (60, 80, 3), np.uint8)
        content = b"broken" if number % 4 == 3 else cv2.imencode(".png", picture)[1].tobytes()
        members += [(f"{number}.png", content), (f"{number}.txt", f"a car, {number} times")]
    return write_shard(path, members)


@pytest.mark.slow
def test_two_processes_read_other_pairs_and_count_them_together(tmp_path, repository):
    shards = write_pairs(tmp_path / "a.tar", 64)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "tests.support.two_processes", shards, str(tmp_path)]
    done = run_with_children(command, cwd=repository, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first["ranks"] == second["ranks"] == [0, 1]
    images = [
        image for process in (first, second) for batch in process["images"] for image in batch
    ]
    assert len(set(images)) == 8
    # Gradients are averaged: both have the same weights, and draw other samples for them.
    assert first["weights"] == second["weights"]
    assert first["decoder"] == second["decoder"]
    # Each draws for the whole batch, and keeps what is of its own images.
    assert first["sampling"] == second["sampling"]
    assert first["drawing"] != second["drawing"]
    records = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").open()]
    data = [record["data"] for record in records if "data" in record]
    # Two legs of two steps, two pairs a step and process.
    assert [one["pairs"] for one in data] == [8, 8]
    assert all(set(one["passed_over"]) <= {UNREADABLE} for one in data)
    assert done.stdout.count("8 pairs; left out:") == 2
