"""Nothing is asked of a network unless a flag names an address.

Runs the command in a network namespace without routes, whose counter of packets that found none
tells of every try to reach another host, also one that failed without a word. What a library means
to send later it keeps in the cache folder, which holds nothing of others afterwards.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, command_environment

UNSHARE = shutil.which("unshare")
COUNTER = "OutNoRoutes"
# The counter of this namespace, before and after the command whose exit code is kept.
SCRIPT = """
cat /proc/net/snmp > "$0.before"; "$@"; code=$?; cat /proc/net/snmp > "$0.after"; exit $code
"""


def is_permitted() -> bool:
    if UNSHARE is None:
        return False
    done = subprocess.run([UNSHARE, "--net", "true"], capture_output=True, timeout=LIMIT_S)
    return done.returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_permitted(), reason="no network namespace may be made here"),
]


def run_without_routes(folder: Path, *command: object) -> tuple[int, int, str]:
    """Exit code, packets that found no route, and what was said."""
    counts = folder / "snmp"
    # Our own setting must not come from here, and no library shall think that it is being tested.
    silencing = ("ORT_", "CI", "GITHUB_", "PYTEST_")
    environment = {k: v for k, v in command_environment().items() if not k.startswith(silencing)}
    environment |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("MGCA_CACHE", None)
    words = [UNSHARE, "--net", "sh", "-c", SCRIPT, counts, *command]
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        timeout=LIMIT_S,
    )
    before, after = (read_counter(Path(f"{counts}.{when}")) for when in ("before", "after"))
    return done.returncode, after - before, done.stdout + done.stderr


def list_cached(folder: Path) -> set[str]:
    """Whose caches a run has begun."""
    return {path.name for path in (folder / "cache").glob("*")} - {"mgca"}


def read_counter(path: Path) -> int:
    names, values = [
        line.split() for line in path.read_text().splitlines() if line.startswith("Ip:")
    ]
    return int(values[names.index(COUNTER)])


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
def test_a_try_is_counted(tmp_path: Path, kind: str) -> None:
    script = f"import socket; socket.socket(type=socket.{kind}).connect(('192.0.2.1', 80))"
    code, packets, said = run_without_routes(tmp_path, sys.executable, "-c", script)
    assert code == 1 and "unreachable" in said and packets >= 1


@pytest.mark.parametrize("backend", ["onnxruntime-cpu", "openvino"])
def test_a_run_asks_no_network(
    tmp_path: Path, color_bundle: Path, clip: Path, backend: str
) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    flags = ("--bundle", color_bundle, "--backend", backend, "--classes", "car,sky")
    outputs = ("--out", "o.mp4", "--jsonl", "o.jsonl", "--label-dir", "labels", "--smooth", "off")
    command = (sys.executable, "-m", "runtime", "--video", clip, *flags, *outputs)
    code, packets, said = run_without_routes(tmp_path, *command)
    assert (code, packets, list_cached(tmp_path)) == (0, 0, set()), said
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) >= 12


def test_a_user_s_word_on_telemetry_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import runtime, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for given, expected in ((None, "1"), ("0", "0")):
        monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
        if given is not None:
            monkeypatch.setenv("ORT_DISABLE_TELEMETRY", given)
        command = [sys.executable, "-c", script]
        environment = command_environment()
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=LIMIT_S
        )
        assert done.stdout.strip() == expected, done.stderr


def test_an_address_is_asked_where_a_flag_names_it(tmp_path: Path, color_bundle: Path) -> None:
    flags = ("--bundle", color_bundle, "--backend", "onnxruntime-cpu", "--classes", "car")
    source = ("--video", "http://192.0.2.1/a.mp4", "--reconnect-timeout", "0.1")
    command = (sys.executable, "-m", "runtime", *source, *flags)
    code, packets, said = run_without_routes(tmp_path, *command)
    assert code not in (0, 1) and packets >= 1, said
