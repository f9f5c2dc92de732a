"""Probes in processes of their own: whatever becomes of one, the command hears of it and lives."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.doctor.child import ask
from runtime.doctor.finding import ok, read_finding
from tests.support import failing_probes


def test_findings_come_back_and_noise_does_not() -> None:
    found = ask("probe", failing_probes.answer, "grün")
    assert found == [ok("answer", "grün", name="a value may be called that")]


def test_neither_home_nor_secrets_come_back() -> None:
    (found,) = map(read_finding, (one.as_record() for one in failing_probes.answer_with_home()))
    assert found.detail == "~/models/x: rtsp://camera/live use --backend openvino"
    assert found.values == {"paths": ["~/y"]}


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (failing_probes.fail, "RuntimeError: its library is torn"),
        pytest.param(
            failing_probes.crash,
            "crashed its process (SIGABRT)",
            marks=pytest.mark.skipif(os.name == "nt", reason="no signals"),
        ),
    ],
)
def test_a_probe_that_fails_is_a_finding(probe: Callable[..., list], reason: str) -> None:
    (found,) = ask("probe", probe)
    assert (found.name, found.state, found.detail) == ("probe", "broken", reason)


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by signal 0")
def test_a_probe_that_hangs_is_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    (found,) = ask("probe", failing_probes.hang, str(pid_file), limit_s=0.7)
    assert found.state == "broken"
    assert found.detail == "gave no answer within 0.7 s and was ended"
    if pid_file.exists():  # a busy machine may not have come so far
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 0)
