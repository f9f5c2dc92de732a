"""Probes of ``mgca-rt doctor`` that go wrong, each in its own way; run in a child process."""

from __future__ import annotations

import os
import time
from pathlib import Path

from runtime.doctor.finding import Finding, ok


def answer(text: str) -> list[Finding]:
    print("a library prints what it likes")
    return [ok("answer", text, name="a value may be called that")]


def answer_with_home() -> list[Finding]:
    detail = f"{Path.home()}/models/x: rtsp://user:w0rd@camera/live\nuse backend='openvino'"
    return [ok("answer", detail, paths=[f"{Path.home()}/y"])]


def fail() -> list[Finding]:
    raise RuntimeError("its library is torn")


def crash() -> list[Finding]:
    os.abort()


def hang(pid_file: str) -> list[Finding]:
    Path(pid_file).write_text(str(os.getpid()))
    time.sleep(3600)
    return []
