"""``python -m benchmarks.gpu`` beside a broken package: what the others measured is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_what_the_others_measured_is_kept(tmp_path: Path) -> None:
    package = tmp_path / "packages" / "openvino"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('its library\\nis torn')")
    out = tmp_path / "figures.md"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.gpu", "--backends", "openvino,onnxruntime-cpu"),
            *("--frames", "1", "--warmup", "0", "--parity-frames", "1", "--out", str(out)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={
            **os.environ,
            "PYTHONPATH": str(package.parent),
            "MGCA_CACHE": str(tmp_path / "cache"),
        },
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    assert "| onnxruntime-cpu | CPUExecutionProvider |" in text
    assert "- openvino: backend openvino: the package openvino is here but does not work " in text
    assert "RuntimeError: its library" in text
