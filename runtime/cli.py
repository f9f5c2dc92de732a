"""``mgca-rt``: a bundle and a stream in, masks out."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.errors import MgcaError
from runtime.stop_signals import INTERRUPTED, StopSignals

if TYPE_CHECKING:
    import argparse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``mgca-rt`` with ``arguments`` (default: the process's own); gives the exit code.

    Every error is one line on stderr; ``--debug`` adds the traceback.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names may be in any script
    try:
        with StopSignals() as stopping:
            return _run(arguments, stopping)
    except MgcaError as error:
        _report_error(str(error), debug)
        return error.exit_code
    except KeyboardInterrupt:
        _report_error("stopped before the first frame", debug)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our stdout is gone; Python must not complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        _report_error("not enough memory; try a smaller bundle, or fewer --threads", debug)
        return 1
    except Exception as error:  # the last line of defence: a fault of ours, told as such
        hint = "" if debug else "; run again with --debug and report it"
        _report_error(f"internal error: {type(error).__name__}: {error}{hint}", debug)
        return 1


def _run(arguments: Sequence[str], stopping: StopSignals) -> int:
    from runtime.arguments import parse_arguments

    options = parse_arguments(arguments)
    if options.version:
        print(f"mgca-rt {_find_version()}")
        return 0
    _configure_logging(options)
    from runtime.session import run_session

    return run_session(options, stopping)


def _report_error(message: str, debug: bool) -> None:
    if debug and sys.exc_info()[0] is not None:
        traceback.print_exc()
    print(f"mgca-rt: error: {' '.join(message.split())}", file=sys.stderr, flush=True)


def _find_version() -> str:
    from importlib import metadata

    try:
        return metadata.version("mgca")
    except metadata.PackageNotFoundError:
        return "(not installed)"


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"mgca-rt: {record.levelname.lower()}: {record.getMessage()}"


def _configure_logging(options: argparse.Namespace) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter())
    level = logging.DEBUG if options.debug else logging.ERROR if options.quiet else logging.WARNING
    for name in ("mgca", "runtime"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level)
