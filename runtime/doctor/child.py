"""A function run in a process of its own: what hangs or crashes there is told, and no more."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from runtime import core_files
from runtime.doctor.finding import Finding, broken, read_finding
from runtime.errors import describe_error

#: A first import on a slow card takes a while; what takes longer than this hangs.
LIMIT_S = 60.0
# The child finds what this process found, whatever folder it is in.
_BOOT = "import sys; sys.path[:] = sys.argv[3:]; from runtime.doctor.child import main; main()"

__all__ = ["ask"]


def ask(
    name: str,
    function: Callable[..., Sequence[Finding]],
    *arguments: Any,
    limit_s: float = LIMIT_S,
) -> list[Finding]:
    """Call a function of a module in a new process; gives the findings that it returns.

    Args:
        name: the finding's name where the process gives none: it raised, crashed or hung.
        function: of the top level of a module; it returns findings.
        arguments: plain values of JSON.
        limit_s: seconds after which the process is killed.
    """
    command = [sys.executable, "-c", _BOOT, f"{function.__module__}:{function.__name__}"]
    try:
        child = subprocess.Popen(
            [*command, json.dumps(arguments), *sys.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=os.name != "nt",  # so that what it starts can be ended with it
        )
    except OSError as error:  # no room for one more process
        return [_told(name, f"no process can be started for it ({error.strerror})")]
    try:
        stdout, stderr = child.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        _end(child)
        return [_told(name, f"gave no answer within {limit_s:g} s and was ended")]
    except BaseException:
        _end(child)
        raise
    try:
        return [read_finding(record) for record in json.loads(stdout)]
    except (ValueError, TypeError, AttributeError):
        return [_told(name, _describe_end(child.returncode, stderr))]


def main() -> None:
    """What runs in the child: ``sys.argv[1]`` names the function, the second its arguments."""
    core_files.leave_none()
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    module, _, function = sys.argv[1].partition(":")
    try:
        found = getattr(importlib.import_module(module), function)(*json.loads(sys.argv[2]))
    except Exception as error:  # what other people's packages raise is not ours to foresee
        print(describe_error(error), file=sys.stderr)
        sys.exit(1)
    json.dump([finding.as_record() for finding in found], answer)
    answer.flush()
    # Some libraries crash or wait when Python takes them down; all is said by now.
    os._exit(0)


def _told(name: str, reason: str) -> Finding:
    return read_finding(broken(name, reason).as_record())


def _describe_end(code: int, stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    last = lines[-1] if lines else ""
    if code < 0:
        try:
            sign = signal.Signals(-code).name
        except ValueError:
            sign = f"signal {-code}"
        return f"crashed its process ({sign}{': ' if last else ''}{last})"
    return last or f"ended its process with exit code {code} and without a word"


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child, which nobody has waited for yet, and what it started."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
