"""``mgca-rt``: a bundle and a stream in, masks out."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.cli.signals import StopSignals
from runtime.command import run_command

if TYPE_CHECKING:
    import argparse

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``mgca-rt`` with ``arguments`` (default: the process's own); gives the exit code.

    Every error is one line on stderr; ``--debug`` adds the traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names may be in any script
    return run_command("mgca-rt", _run, arguments, interrupted="stopped before the first frame")


def _run(arguments: Sequence[str]) -> int:
    if list(arguments[:1]) == ["cache"]:
        from runtime.cli.cache import run_cache

        return run_cache(arguments[1:])
    from runtime.cli.arguments import parse_arguments

    with StopSignals() as stopping:
        options = parse_arguments(arguments)
        if options.version:
            print(f"mgca-rt {_find_version()}")
            return 0
        _configure_logging(options)
        from runtime.cli.session import run_session

        return run_session(options, stopping)


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
