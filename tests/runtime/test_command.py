from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from runtime.command import CommandParser, run_command
from runtime.errors import SourceGoneError, UserError
from tests.support.processes import LIMIT_S, started_processes


@pytest.fixture
def parser() -> CommandParser:
    parser = CommandParser(prog="noun", description="d")
    parser.add_argument("--classes")
    parser.add_argument("--frames", type=int)
    return parser


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--clases", "a"], "unknown flag --clases; did you mean --classes?"),
        (["--clases=a"], "unknown flag --clases; did you mean --classes?"),
        (["--zzz"], "unknown flag --zzz; see noun --help"),
        (["--class", "a"], "unknown flag --class; did you mean --classes?"),
        (["a.mp4"], "unexpected argument 'a.mp4'; see noun --help"),
        (["--frames", "x"], "argument --frames: invalid int value: 'x'; see noun --help"),
    ],
)
def test_a_wrong_argument_is_said_in_one_line(
    parser: CommandParser, arguments: list[str], says: str
):
    with pytest.raises(UserError) as caught:
        parser.parse_args(arguments)
    assert str(caught.value) == says
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [
        (UserError("no such\nclass"), 2, "noun: error: no such class"),
        (SourceGoneError("camera 0 is gone"), 3, "noun: error: camera 0 is gone"),
        (KeyboardInterrupt(), 130, "noun: error: interrupted"),
        (MemoryError(), 1, "noun: error: not enough memory"),
        (
            ValueError("a\nb"),
            1,
            "noun: error: internal error: ValueError: a b; run again with --debug and report it",
        ),
    ],
)
def test_every_error_is_one_line_and_its_exit_code(
    error: BaseException, exit_code: int, line: str, capsys: pytest.CaptureFixture[str]
):
    def fail(arguments: Sequence[str]) -> None:
        raise error

    assert run_command("noun", fail, []) == exit_code
    assert capsys.readouterr().err == line + "\n"
    assert run_command("noun", fail, ["--debug"]) == exit_code
    assert "Traceback" in capsys.readouterr().err


def test_success_is_zero_and_the_runs_own_code_stands():
    assert run_command("noun", lambda arguments: None, []) == 0
    assert run_command("noun", lambda arguments: 7, []) == 7


def test_sigterm_is_an_interruption_and_a_closed_pipe_is_quiet():
    head = "import sys, time\nfrom runtime.command import run_command\n"
    sleeper = "def run(_):\n    print('on', flush=True)\n    time.sleep(60)\n"
    tail = "sys.exit(run_command('noun', run, []))\n"
    with started_processes() as start:
        process = start([sys.executable, "-c", head + sleeper + tail])
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert stderr == "noun: error: interrupted\n"

    writer = "def run(_):\n    while True:\n        print('x' * 1000)\n"
    with started_processes() as start:
        process = start([sys.executable, "-c", head + writer + tail])
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(timeout=120) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("stdout", "exit_code", "stderr"),
    [
        ("> /dev/full", 1, "noun: error: stdout could not be written (No space left on device)\n"),
        (">&-", 0, ""),
    ],
)
def test_a_stdout_that_takes_nothing(stdout: str, exit_code: int, stderr: str):
    code = "import sys\nfrom runtime.command import run_command\n"
    code += "sys.exit(run_command('noun', lambda _: print('on'), []))\n"
    done = subprocess.run(
        ["bash", "-c", f'exec "$0" -c "$1" {stdout}', sys.executable, code],
        env=os.environ | {"PYTHONUNBUFFERED": ""},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert (done.returncode, done.stderr) == (exit_code, stderr)
