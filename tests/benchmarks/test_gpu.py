"""``python -m benchmarks.gpu``: here on the CPU and on the fakes, whose times mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks import gpu
from runtime.backends.openvino import OpenVinoBackend
from runtime.bundle import Bundle

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for number in range(6):
        frame = np.zeros((48, 64, 3), np.uint8)
        frame[:, : 8 * number + 8], frame[:, 8 * number + 8 :] = (0, 0, 200), (200, 0, 0)
        writer.write(frame)
    writer.release()
    return path


def flags(bundle: Bundle, video: Path, out: Path, *more: str) -> list[str]:
    return [
        *("--bundle", str(bundle.path), "--video", str(video), "--classes", "red,blue"),
        *("--frames", "4", "--warmup", "2", "--parity-frames", "3", "--out", str(out), *more),
    ]


def test_every_backend_is_measured_or_has_its_reason(
    bundle: Bundle, machine: Any, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results" / "figures.md"
    assert gpu.main(flags(bundle, video, out)) == 0
    text = out.read_text()
    assert capsys.readouterr().out.strip() == text.strip()
    rows = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if "| " in line}
    assert f"TensorRT {machine.surface.version} Fake GPU" in rows["tensorrt"]
    assert "1.00000 | 1.00000 | 0.00e+00" in rows["tensorrt"]
    assert "onnxruntime-cpu" in rows
    for name in gpu.BACKENDS:
        assert name in rows or f"- {name}: " in text
    assert "Not run here:" in text and "CUDA does not run here" in text
    assert len({line.count("|") for line in rows.values()}) == 1


@pytest.mark.parametrize("name", ["openvino", "openvino-bf16"])
def test_a_backend_that_disagrees_fails_the_command(
    name: str,
    bundle: Bundle,
    video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    """Also one of less precision by design: its limit is lower, not absent."""
    pytest.importorskip("openvino")
    real = OpenVinoBackend.run

    def lie(self: Any, feeds: Any, outputs: Any = None) -> Any:
        return {name: -value for name, value in real(self, feeds, outputs).items()}

    monkeypatch.setattr(OpenVinoBackend, "run", lie)
    # Where the processor has no bfloat16, OpenVINO computes in fp32: it lies as well.
    monkeypatch.setattr("runtime.backends.openvino.computes_bfloat16", lambda: True)
    out = tmp_path / "figures.md"
    assert gpu.main(flags(bundle, video, out, "--backends", name)) == 1
    assert f"{name} disagree with onnxruntime-cpu" in capsys.readouterr().err
    assert f"{name} (disagrees)" in out.read_text()


def test_wrong_backends_and_default_name(
    bundle: Bundle, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.md"
    assert gpu.main(flags(bundle, video, out, "--backends", "tensorflow")) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "expected some of tensorrt, " in error
    assert not out.exists()
    path = gpu.default_path(bundle)
    assert path.parent.name == "results" and path.name.startswith("colors-fp32_")
    assert " " not in path.name and path.suffix == ".md"
