"""How a command meets its user: one-line errors, exit codes, tracebacks only with ``--debug``."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from runtime.errors import MgcaError

__all__ = ["CommandParser", "run_command"]

INTERRUPTED = 130


class CommandParser(argparse.ArgumentParser):
    """An argument parser with ``--debug`` whose errors are one line on stderr and exit code 2."""

    def __init__(self, *, prog: str, description: str, example: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_argument("--debug", action="store_true", help="show tracebacks")

    def error(self, message: str) -> NoReturn:
        """Leave with one line that says what was wrong and where help is."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def run_command(
    main: Callable[[argparse.Namespace], None],
    parser: CommandParser,
    argv: Sequence[str] | None = None,
) -> int:
    """Parse ``argv``, run ``main`` and return the exit code: 0, an MgcaError's own, 130 or 1."""
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        main(arguments)
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except MgcaError as error:
        return _report(parser, error, arguments.debug, error.exit_code)
    except Exception as error:
        return _report(parser, error, arguments.debug, 1)
    return 0


def _report(parser: CommandParser, error: Exception, debug: bool, exit_code: int) -> int:
    if debug:
        traceback.print_exc()
    reason = " ".join(str(error).split())
    if not isinstance(error, MgcaError):
        reason = f"{type(error).__name__}: {reason}; run with --debug for the traceback"
    print(f"{parser.prog}: {reason}", file=sys.stderr)
    return exit_code


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
