"""``mgca-rt doctor``: a full report whatever is missing or broken, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import Bundle
from runtime.doctor.diagnosis import Diagnosis
from runtime.doctor.finding import broken, missing, ok
from runtime.doctor.page import write_page
from tests.support.processes import LIMIT_S, REPOSITORY, Run, command_environment

SECTIONS = (
    "machine", "gpu", "onnxruntime", "openvino", "opencv", "pyav", "cameras", "backend", "cache",
    "self_test",
)  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bundle", "gone"], "bundle gone does not exist"),
        (["--backend", "tensorflow"], "invalid choice: 'tensorflow'"),
        (["--seconds", "-1"], "--seconds"),
        (["--jsn"], "unknown flag --jsn; did you mean --json?"),
        (["more"], "unexpected argument 'more'"),
    ],
)
def test_wrong_arguments(run_here: Run, arguments: list[str], message: str) -> None:
    done = run_here("doctor", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and done.stderr.count("\n") == 1


def test_the_page_is_aligned_and_folds_all_but_remedies() -> None:
    remedy = "pip install 'openvino>=2025.0' and some more words that make it a long line indeed"
    diagnosis = Diagnosis(
        {
            "openvino": [missing("OpenVINO", "not installed", remedy)],
            "self_test": [broken("self-test", "word " * 20, None, warnings=["passed over"])],
            "cache": [ok("folder", "/tmp/x")],
        }
    )
    lines = write_page(diagnosis, 60).splitlines()
    assert lines[:3] == [
        "OpenVINO",
        "  missing  OpenVINO   not installed",
        f"                      -> {remedy}",
    ]
    assert "                      warning: passed over" in lines
    assert all(len(line) <= 62 for line in lines if "->" not in line)
    assert not diagnosis.passed


def record_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(done.stdout)
    assert list(record) == ["format", "mgca", "passed", "backend", "provider", "fps", "sections"]
    assert record["format"] == 1 and tuple(record["sections"]) == SECTIONS
    for findings in record["sections"].values():
        assert findings
        for one in findings:
            assert list(one) == ["name", "state", "detail", "remedy", "values"]
            assert one["state"] in ("ok", "missing", "broken")
            assert one["detail"] and "\n" not in one["detail"]
    return record


def named(record: dict[str, Any], section: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in record["sections"][section]}


@pytest.mark.slow
def test_this_machine(run_cli: Run, bundle: Bundle) -> None:
    done = run_cli("doctor", "--json", "--bundle", bundle.path, "--seconds", 0.01)
    assert (done.returncode, done.stderr) == (0, "")
    record = record_of(done)
    assert record["passed"] and record["fps"] > 0
    assert named(record, "onnxruntime")["CPUExecutionProvider"]["state"] == "ok"
    assert named(record, "opencv")["window"]["state"] == "missing"
    assert named(record, "pyav")["decoders"]["state"] == "ok"
    assert named(record, "backend")["choice"]["values"]["chosen"] == record["backend"]
    if not [*Path("/dev").glob("video*")]:
        assert named(record, "cameras")["cameras"]["state"] == "missing"
    if not Path("/proc/driver/nvidia").exists():
        assert {one["state"] for one in record["sections"]["gpu"]} == {"missing"}


# Packages that are there and broken, in ways that were met; the last one takes the process along.
TORN = {
    "numpy": "raise RuntimeError('numpy is torn')",
    "cv2": "raise ImportError('libGL.so.1: cannot open shared object file')",
    "av": "import os; os._exit(9)",
    "onnxruntime": "raise OSError('onnxruntime is torn')",
    "openvino": "import os; os.abort()",
    "tqdm": "raise RuntimeError('tqdm is torn')",
}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_with_everything_broken_the_report_is_whole(tmp_path: Path) -> None:
    for name, source in TORN.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(source)
    environment = {
        **command_environment(),
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}",
        "MGCA_CACHE": str(tmp_path / "cache"),  # a backend chosen before would be opened first
    }
    done = subprocess.run(
        [sys.executable, "-m", "runtime", "doctor", "--json", "--seconds", "0.01"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    record = record_of(done)
    assert (record["passed"], record["fps"]) == (False, None)
    assert named(record, "machine")["processor"]["state"] == "ok"
    for section, name, reason in (
        ("onnxruntime", "ONNX Runtime", "OSError: onnxruntime is torn"),
        ("openvino", "OpenVINO", "crashed its process (SIGABRT)"),
        ("opencv", "OpenCV", "ImportError: libGL.so.1: cannot open shared object file"),
        ("pyav", "PyAV", "ended its process with exit code 9 and without a word"),
        ("self_test", "self-test", "torn"),
    ):
        found = named(record, section)[name]
        assert found["state"] == "broken" and reason in found["detail"], found
    opencv = named(record, "opencv")["OpenCV"]["remedy"]
    assert opencv.startswith("pip install --force-reinstall 'opencv-python")


@pytest.mark.slow
def test_the_self_test_of_a_bundle_that_is_damaged(run_cli: Run, bundle: Bundle) -> None:
    graph = bundle.path / "segmenter.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    done = run_cli("doctor", "--bundle", bundle.path, "--seconds", 0.01)
    assert done.returncode == 1
    last = done.stdout.partition("\nself-test\n")[2]
    assert last.startswith("  broken   self-test") and "segmenter.onnx" in last
