"""The cache of engines: keys, torn files, eviction, and two processes at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from runtime.backends.tensorrt.cache import EngineCache, EngineKey, parse_size
from runtime.backends.tensorrt.cache.locking import LockedError, hold_lock
from runtime.cli.cache import run_cache
from runtime.cli.entry import main as mgca_rt
from runtime.errors import MgcaError, UserError
from tests.support.processes import started_processes

REPOSITORY = Path(__file__).resolve().parents[4]
KEY = EngineKey("ab" * 32, "11.4.0.106", "Orin", "8.7", "fp16", {"text": ((1, 8), (4, 8), (9, 8))})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MGCA_CACHE_LIMIT", raising=False)
    return tmp_path / "cache" / "engines"


def build(content: bytes = b"plan", model: str = "m") -> Any:
    return lambda: (content, {"built": {"model": model}, "evidence": {"checked": True}})


def never() -> Any:
    raise AssertionError("it was built again")


def test_built_once_then_found(folder: Path) -> None:
    cache = EngineCache()
    assert cache.find(KEY) is None and cache.entries() == []
    entry, plan = cache.obtain(KEY, build())
    assert plan == b"plan" and entry.record["evidence"] == {"checked": True}
    found, again = EngineCache().obtain(KEY, never)
    assert again == b"plan" and found.record == entry.record
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".plan"]
    assert (folder / f"{KEY.digest}.plan").read_bytes() == b"plan"  # pure: nothing around it


@pytest.mark.parametrize(
    "change",
    [
        {"onnx_sha256": "cd" * 32},
        {"tensorrt": "11.4.1"},
        {"gpu": "Thor"},
        {"compute_capability": "11.0"},
        {"precision": "fp32"},
        {"shapes": {"text": ((1, 8), (4, 8), (10, 8))}},
    ],
)
def test_another_anything_is_another_engine(change: dict[str, Any]) -> None:
    cache = EngineCache()
    cache.obtain(KEY, build())
    other = replace(KEY, **change)
    assert other.digest != KEY.digest and cache.find(other) is None
    assert cache.obtain(other, build(b"other"))[1] == b"other"
    assert cache.obtain(KEY, never)[1] == b"plan"
    for part in ("tensorrt", "shapes"):
        like = [entry.digest for entry in cache.find_like(other, part)]
        assert like == ([KEY.digest] if part in change else [])


@pytest.mark.parametrize(
    "spoil",
    ["plan cut", "plan flipped", "plan gone", "sidecar cut", "sidecar list", "sidecar of another",
     "sidecar deep", "format of later", "no sidecar"],
)  # fmt: skip
def test_what_is_broken_is_built_again(folder: Path, spoil: str) -> None:
    cache = EngineCache()
    cache.obtain(KEY, build(b"a good plan"))
    plan, sidecar = folder / f"{KEY.digest}.plan", folder / f"{KEY.digest}.json"
    record = json.loads(sidecar.read_text())
    if spoil == "plan cut":
        plan.write_bytes(b"a good")
    elif spoil == "plan flipped":
        plan.write_bytes(b"a gOod plan")
    elif spoil == "plan gone":
        plan.unlink()
    elif spoil == "sidecar cut":
        sidecar.write_text(sidecar.read_text()[:50])
    elif spoil == "sidecar list":
        sidecar.write_text("[]")
    elif spoil == "sidecar of another":
        sidecar.write_text(json.dumps({**record, "key": {**record["key"], "gpu": "x"}}))
    elif spoil == "sidecar deep":
        sidecar.write_text("[" * 100_000)
    elif spoil == "format of later":
        sidecar.write_text(json.dumps({**record, "format": 99}))
    else:
        sidecar.unlink()
    built = []

    def again() -> Any:
        built.append(1)
        return build(b"a new plan")()

    assert cache.obtain(KEY, again)[1] == b"a new plan" and built == [1]
    assert cache.obtain(KEY, never)[1] == b"a new plan"


def test_one_that_will_not_do_is_built_again() -> None:
    cache = EngineCache()
    cache.obtain(KEY, build(b"old", "small"))
    wanted = {"accept": lambda entry: entry.built["model"] == "large"}
    assert cache.obtain(KEY, build(b"new", "large"), **wanted)[1] == b"new"
    assert cache.obtain(KEY, never, **wanted)[1] == b"new"


def test_a_failed_build_leaves_what_was_there(folder: Path) -> None:
    cache = EngineCache()
    cache.obtain(KEY, build())

    def fail() -> Any:
        raise MgcaError("no kernel")

    with pytest.raises(MgcaError, match="no kernel"):
        cache.obtain(KEY, fail, rebuild=True)
    assert cache.obtain(KEY, never)[1] == b"plan"
    assert not list(folder.glob("*.lock"))


def test_the_least_recently_used_go(folder: Path) -> None:
    cache = EngineCache(limit_bytes=250)
    keys = [replace(KEY, gpu=str(number)) for number in range(4)]
    for age, key in zip((30, 10, 20), keys[:3], strict=True):
        cache.obtain(key, build(b"x" * 100))
        stamp = time.time() - age
        os.utime(folder / f"{key.digest}.json", (stamp, stamp))
        if age == 20:
            break
    # 300 bytes: the oldest use (number 0) went when number 2 came.
    assert cache.find(keys[0]) is None and cache.find(keys[1]) and cache.find(keys[2])
    cache.obtain(keys[1], never)  # a use makes it young again
    os.utime(folder / f"{keys[2].digest}.json", (1, 1))
    cache.obtain(keys[3], build(b"x" * 100))
    assert [cache.find(key) is not None for key in keys] == [False, True, False, True]
    # One that is larger than the limit stays: it was asked for a moment ago.
    cache.obtain(keys[0], build(b"x" * 999))
    assert [entry.digest for entry in cache.entries()] == [keys[0].digest]


def test_a_disk_that_is_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import runtime.backends.tensorrt.cache.store as store

    def no_room(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", no_room)
    with pytest.raises(MgcaError, match=r"cannot be written .*No space left.*make room"):
        EngineCache().obtain(KEY, build())
    assert [path.name for path in folder.iterdir()] == []


@pytest.mark.parametrize("text", ["", "many", "-1G", "1P", "G"])
def test_limits_that_are_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="expected a size such as 2G"):
        parse_size(text)
    assert parse_size("2GiB") == 2 << 30 and parse_size("10") == 10


# Two real processes

_CHILD = """
import sys, time
from pathlib import Path
from runtime.backends.tensorrt.cache import EngineCache, EngineKey
log, go_on = Path(sys.argv[1]), Path(sys.argv[2])
def build():
    with log.open("a") as stream:
        stream.write("begin\\n"); stream.flush()
        until = time.monotonic() + float(sys.argv[4])
        while not go_on.exists() and time.monotonic() < until:
            time.sleep(0.02)
        stream.write("end\\n")
    return b"plan of " + sys.argv[3].encode(), {"built": {}}
key = EngineKey(**KEY)
entry, plan = EngineCache().obtain(key, build, on_wait=go_on.touch)
print(plan.decode())
"""


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that builds the engine, once ``go_on`` is there or ``most_s`` are over.

    Whoever waits for the engine makes that file.
    """
    code = _CHILD.replace("**KEY", f"**{asdict(KEY)!r}")
    with started_processes() as start_process:

        def start(log: Path, go_on: Path, name: str, most_s: float) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", code, log, go_on, name, most_s]
            return start_process(command, cwd=REPOSITORY)

        yield start


def wait_for(log: Path, text: str) -> None:
    deadline = time.monotonic() + 60
    while not (log.exists() and text in log.read_text()):
        assert time.monotonic() < deadline, f"no {text} in {log}"
        time.sleep(0.02)


def test_of_two_processes_one_builds_and_both_have_it(start, tmp_path: Path) -> None:
    log = tmp_path / "log"
    children = [start(log, tmp_path / "waiting", name, 20) for name in ("a", "b")]
    outputs = {child.communicate(timeout=120)[0].strip() for child in children}
    assert [child.returncode for child in children] == [0, 0]
    assert len(outputs) == 1 and log.read_text().split() == ["begin", "end"]


def test_a_killed_builder_lets_the_next_one_in(start, tmp_path: Path, folder: Path) -> None:
    log = tmp_path / "log"
    child = start(log, tmp_path / "never", "killed", 600)
    wait_for(log, "begin")
    waited: list[int] = []
    with pytest.raises(LockedError):
        with hold_lock(folder / f"{KEY.digest}.lock", wait_s=0.3, on_wait=lambda: waited.append(1)):
            pass
    assert waited == [1]
    assert EngineCache().clear() == ([], [])  # nothing of it is there yet
    child.send_signal(signal.SIGKILL)
    child.wait(60)
    (folder / f".{KEY.digest}.plan.77.dead00.part").write_bytes(b"half")
    assert EngineCache().obtain(KEY, build())[1] == b"plan"
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".plan"]


@pytest.fixture
def two_engines(folder: Path) -> Iterator[None]:
    cache = EngineCache()
    cache.obtain(KEY, build(b"x" * (1 << 20), "first"))
    cache.obtain(replace(KEY, precision="fp32"), build(b"x" * (2 << 20), "second"))
    yield


@pytest.mark.usefixtures("two_engines")
def test_list_and_clear(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cache(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[-1] == f"2 engines, 3.0 MiB, in {folder.parent}"
    first = next(line for line in lines if "first" in line)
    assert "1.0 MiB" in first and "fp16" in first and "TensorRT 11.4.0.106" in first
    assert "Orin (sm 8.7)" in first
    assert run_cache(["list", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {record["key"]["precision"] for record in records} == {"fp16", "fp32"}
    other = folder.parent / "backend_choice"
    other.mkdir()
    (other / "x.json").write_text("{}")
    assert run_cache(["clear"]) == 0
    assert capsys.readouterr().out == f"removed 2 engines, 3.0 MiB, from {folder.parent}\n"
    assert list(folder.iterdir()) == [] and not other.exists()
    assert run_cache(["list"]) == 0 and run_cache(["clear"]) == 0
    assert "0 engines, 0.0 MiB" in capsys.readouterr().out


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert mgca_rt(["cache", "list"]) == 0
    assert capsys.readouterr().out.startswith("0 engines")
    for wrong in (["cache"], ["cache", "burn"], ["cache", "list", "--all"]):
        assert mgca_rt(wrong) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err.count("\n") == 1
