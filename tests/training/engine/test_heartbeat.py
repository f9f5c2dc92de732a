"""A process that is lost ends the job in less than a minute, by name."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.support.processes import started_processes

SCRIPT = "tests.support.waiting_process"


def wait_for(folder: Path, process) -> int:
    """The second process's id, once both have met."""
    while not all((folder / f"{rank}.pid").exists() for rank in (0, 1)):
        assert process.poll() is None, process.communicate(timeout=30)[1]
        time.sleep(0.05)
    time.sleep(1.0)  # signs of life
    return int((folder / "1.pid").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
def test_a_lost_process_is_named(tmp_path, repository, how):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    with started_processes() as start:
        first, _ = (
            start(
                [sys.executable, "-m", SCRIPT, tmp_path, "4"], cwd=repository,
                env={**os.environ, **meeting, "RANK": str(rank), "OMP_NUM_THREADS": "1"},
            )
            for rank in (0, 1)
        )  # fmt: skip
        os.kill(wait_for(tmp_path, first), how)
        _, error = first.communicate(timeout=60)
    assert first.returncode == 1
    said = error.strip().splitlines()[-1]
    assert f"process 1 (of 2, on {socket.gethostname()}) has given no sign of life" in said, error
    assert "Traceback" not in error


@pytest.mark.slow
def test_torchrun_ends_and_names_the_rank(tmp_path, repository):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", SCRIPT, tmp_path, "30"]
    with started_processes() as start:
        job = start(command, cwd=repository, env={**os.environ, "OMP_NUM_THREADS": "1"})
        os.kill(wait_for(tmp_path, job), signal.SIGKILL)
        _, error = job.communicate(timeout=60)
    assert job.returncode != 0
    assert "rank      : 1" in error and "Signal 9 (SIGKILL)" in error, error
