"""What ONNX Runtime holds on the CPU beside a graph's weights."""

from __future__ import annotations

import subprocess
import sys

import pytest

# MiB that four runs of the shipped graph add to what the process holds, in a session of ours or
# in one that plans which buffers are used again, as ONNX Runtime does by itself.
ADDED = """
import sys
import numpy as np
import onnxruntime
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.bundle import load_bundle
from runtime.demo import DEMO_BUNDLE

def resident_mib():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * 4096 / 2**20

graph = load_bundle(DEMO_BUNDLE).file("segmenter.onnx")
if sys.argv[1] == "ours":
    backend = OnnxRuntimeBackend(graph, "cpu", threads=1)
    inputs, run = backend.inputs, backend.run
else:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.enable_mem_pattern = 1, False
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    run = lambda feeds, names: session.run(names, feeds)
    inputs = OnnxRuntimeBackend(graph, "cpu", threads=1).inputs
frame = np.zeros(inputs["frame"].shape, np.uint8)
feeds = {"frame": frame, "text": np.eye(28, inputs["text"].shape[1], dtype=np.float32)}
before = resident_mib()
for _ in range(4):
    kept = run(feeds, ["class_scores", "unit_of_pixel"])
print(resident_mib() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_run_holds_less_than_with_planned_buffers() -> None:
    added_mib = {}
    for whose in ("ours", "planned"):
        command = [sys.executable, "-c", ADDED, whose]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        added_mib[whose] = float(done.stdout)
    assert added_mib["ours"] < 0.85 * added_mib["planned"], added_mib
