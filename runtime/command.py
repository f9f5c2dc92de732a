"""How every command of the project meets its user: one-line errors, exit codes, ``--debug``.

For ``mgca-rt`` as for ``python -m training.run``, ``export`` and ``benchmarks``: light, no torch.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from runtime.errors import MgcaError, UserError
from runtime.redaction import MASK, redact, remember_arguments
from runtime.standard_output import refuse_dash

INTERRUPTED = 130
#: Folders and binary files to write, whichever command has them.
_NEVER_STDOUT = ("out", "triton", "runs", "masks", "camvid_out", "trace")

__all__ = ["INTERRUPTED", "CommandParser", "hide_login", "run_command", "say_as_flags"]


class CommandParser(argparse.ArgumentParser):
    """An argument parser with ``--debug`` whose errors are one line, raised as ``UserError``.

    An unknown flag is answered with the nearest known one; abbreviations are not taken, so that
    a new flag never changes what an old command line means. ``epilog`` is printed as it stands.
    """

    def __init__(self, *, prog: str, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(prog=prog, allow_abbrev=False, **options)
        self.add_argument("--debug", action="store_true", help="show tracebacks of errors")

    def error(self, message: str) -> NoReturn:
        """Raise ``UserError`` instead of printing the usage and leaving."""
        raise UserError(f"{message}; see {self.prog} --help")

    def parse_args(self, args=None, namespace=None):  # type: ignore[override]
        """Parse; raises ``UserError`` for what is wrong, unknown flags included."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            raise UserError(self._describe_unknown(unknown[0]))
        for name in _NEVER_STDOUT:
            refuse_dash(f"--{name.replace('_', '-')}", getattr(options, name, None))
        return options

    def _describe_unknown(self, argument: str) -> str:
        flag = argument.split("=", 1)[0]
        if not flag.startswith("-"):
            return f"unexpected argument {hide_login(argument)!r}; see {self.prog} --help"
        flag = hide_login(flag)
        known = [option for action in self._actions for option in action.option_strings]
        nearest = difflib.get_close_matches(flag, known, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]}?" if nearest else f"see {self.prog} --help"
        return f"unknown flag {flag}; {hint}"


def hide_login(argument: str) -> str:
    """An argument that stands alone, without what is before an ``@``: a torn address's password.

    >>> hide_login("w0rd@10.0.0.2/live")
    '***@10.0.0.2/live'
    """
    before, at, behind = argument.rpartition("@")
    return f"{MASK}@{behind}" if at and before else argument


def say_as_flags(message: str) -> str:
    """An error's advice as flags: the library names the parameters of its functions.

    >>> say_as_flags("allow_unknown=True to try it, or use backend='onnxruntime'")
    '--allow-unknown to try it, or use --backend onnxruntime'
    """
    message = message.replace("allow_unknown=True", "--allow-unknown")
    message = message.replace("another backend", "another --backend")
    return re.sub(r"backend='([\w-]+)'", r"--backend \1", message)


def run_command(
    prog: str,
    run: Callable[[Sequence[str]], int | None],
    arguments: Sequence[str] | None = None,
    *,
    interrupted: str = "interrupted",
) -> int:
    """Call ``run`` with ``arguments`` (default: the process's own); gives the exit code.

    Every error becomes one line on stderr and its exit code: an ``MgcaError``'s own, 130 for
    Ctrl-C and SIGTERM, 1 for what nobody foresaw. ``--debug`` among the arguments adds the
    traceback. ``interrupted`` is what an interruption says.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in arguments
    remember_arguments(arguments)
    try:
        with _sigterm_interrupts():
            exit_code = run(arguments) or 0
            _flush_stdout()
            return exit_code
    except MgcaError as error:
        return _report(prog, say_as_flags(str(error)), debug, error.exit_code)
    except KeyboardInterrupt:
        return _report(prog, interrupted, debug, INTERRUPTED)
    except BrokenPipeError:
        return 1
    except MemoryError:
        return _report(prog, "not enough memory", debug, 1)
    except Exception as error:  # the last line of defence: a fault of ours, told as such
        hint = "" if debug else "; run again with --debug and report it"
        message = f"internal error: {type(error).__name__}: {error}{hint}"
        return _report(prog, message, debug, 1)
    finally:
        _let_go_of_broken_stdout()


def _flush_stdout() -> None:
    """Write out what still waits; raises ``MgcaError`` where nothing can be written."""
    if sys.stdout is None:  # closed by who started us
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise MgcaError(f"stdout could not be written ({error.strerror})") from None


def _let_go_of_broken_stdout() -> None:
    """If stdout takes nothing any more, Python must not complain when it flushes at its end."""
    try:
        _flush_stdout()
    except (OSError, MgcaError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(prog: str, message: str, debug: bool, exit_code: int) -> int:
    if debug:
        print(redact(traceback.format_exc()), end="", file=sys.stderr)
    print(f"{prog}: error: {' '.join(redact(message).split())}", file=sys.stderr, flush=True)
    return exit_code


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
