"""A worker of pytest-xdist that is lost says how it ended.

``[gw0] node down: Not properly terminated`` is all that pytest-xdist 3.8 has to say, whether a
signal, a crash or ``os._exit`` ended the process. Here the parent adds its exit status, and a
process that crashes, and a worker that ends itself, says from where: what libraries did to the
handlers of crashes meanwhile is undone before each test.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from typing import Any

import pytest

_terminals: list[int] = []  # one: this process's stderr


def pytest_configure(config: pytest.Config) -> None:
    _terminals.append(os.dup(2))  # before pytest captures it
    if hasattr(config, "workerinput"):
        _tell_of_exits(_terminals[0])


def pytest_runtest_setup() -> None:
    for terminal in _terminals:
        faulthandler.disable()  # or CPython's enable() changes the file alone, not the handlers
        faulthandler.enable(terminal)


def _tell_of_exits(terminal: int) -> None:
    """Show all stacks before ``os._exit`` ends this process; a forked child goes without."""
    worker, leave = os.getpid(), os._exit

    def leave_and_tell(status: int) -> None:
        if os.getpid() == worker:
            os.write(terminal, f"\nos._exit({status}) ends this worker:\n".encode())
            faulthandler.dump_traceback(terminal)
        leave(status)

    os._exit = leave_and_tell  # type: ignore[assignment]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Written for pytest-xdist 3.8 on execnet 2.1, which keep the process in ``_io``."""
    if not error:
        return
    process = getattr(getattr(node.gateway, "_io", None), "popen", None)
    status = None if process is None else process.wait(10)
    print(
        f"\n{node.gateway.id} (process {getattr(process, 'pid', None)}) ended with {status}",
        file=sys.stderr,
        flush=True,
    )
