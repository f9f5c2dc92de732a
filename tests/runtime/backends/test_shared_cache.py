"""The cache of compiled graphs, written by several processes at once, some of them killed."""

from __future__ import annotations

import random
import signal
import sys
import time
from pathlib import Path

import pytest

from runtime.backends.compiled_models import read_compiled, write_compiled
from tests.support.processes import LIMIT_S, command_environment, started_processes

WRITER = """
import sys
from runtime.backends.compiled_models import write_compiled
name, times = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
for number in range(times):
    write_compiled("key", name.encode() * (200_000 + number), {"by": name})
"""


def check(found: tuple[bytes, dict[str, object]] | None) -> str:
    """Who wrote what was found: blob and record are one writer's, or there is nothing."""
    if found is None:
        return ""
    blob, record = found
    assert set(blob) == set(str(record["by"]).encode())
    return str(record["by"])


@pytest.mark.slow
def test_a_blob_and_a_record_are_one_writers(own_cache: Path) -> None:
    with started_processes() as start:
        command = [sys.executable, "-c", WRITER]
        writers = [start([*command, name, 60], env=command_environment()) for name in "ab"]
        found = set()
        while any(writer.poll() is None for writer in writers):
            found.add(check(read_compiled("key")))
        for writer in writers:
            assert writer.wait(LIMIT_S) == 0
    assert found & {"a", "b"}
    write_compiled("key", b"c" * 9, {"by": "c"})
    assert check(read_compiled("key")) == "c"
    assert sorted(path.name for path in (own_cache / "openvino").iterdir()) == [
        "key.blob", "key.json",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_writer_that_is_killed_costs_a_compilation(own_cache: Path) -> None:
    chance = random.Random(4)
    for _ in range(4):
        with started_processes() as start:
            writer = start([sys.executable, "-c", WRITER, "a", 10**6], env=command_environment())
            assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.1))
            writer.send_signal(signal.SIGKILL)
            writer.wait(LIMIT_S)
        check(read_compiled("key"))
        write_compiled("key", b"b" * 1000, {"by": "b"})
        assert check(read_compiled("key")) == "b"
