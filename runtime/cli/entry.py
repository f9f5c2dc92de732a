"""``mgca-rt``: a bundle and a stream in, masks out."""

from __future__ import annotations

import io
import logging
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from runtime.cli.config import RunningConfig, SessionConfig
from runtime.cli.process_title import hide_secret_arguments
from runtime.cli.signals import StopSignals
from runtime.command import run_command
from runtime.redaction import redact
from runtime.terminal import LineHandler

if TYPE_CHECKING:
    from runtime.segment.model import Model

__all__ = ["main"]


def main(
    arguments: Sequence[str] | None = None,
    open_model: Callable[[RunningConfig], Model] | None = None,
) -> int:
    """Run ``mgca-rt``; every error is one line on stderr, and ``--debug`` adds the traceback.

    Args:
        arguments: of the command line; None: the process's own.
        open_model: opens what the frames are run on, where that is not a bundle on this machine.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names may be in any script
    hide_secret_arguments(sys.argv[1:] if arguments is None else arguments)
    run = partial(_run, open_model=open_model)
    return run_command("mgca-rt", run, arguments, interrupted="stopped before the first frame")


def _run(
    arguments: Sequence[str], open_model: Callable[[RunningConfig], Model] | None = None
) -> int:
    if list(arguments[:1]) == ["cache"]:
        from runtime.cli.cache import run_cache

        return run_cache(arguments[1:])
    if list(arguments[:1]) == ["words"]:
        from runtime.cli.words import run_words

        return run_words(arguments[1:])
    if list(arguments[:1]) == ["doctor"]:
        from runtime.cli.doctor import run_doctor

        return run_doctor(arguments[1:])
    from runtime.cli.arguments import parse_arguments

    with StopSignals() as stopping:
        line = parse_arguments(arguments)
        if line.version:
            print(f"mgca-rt {_find_version()}")
            return 0
        if line.print_config:
            _print_config(line.config)
            return 0
        _configure_logging(line.debug, line.config.running.quiet)
        from runtime.cli.session import run_session

        command = shlex.join(["mgca-rt", *map(redact, arguments)])
        return run_session(
            line.config,
            stopping,
            line.config_file,
            command,
            reread=lambda: parse_arguments(arguments).config,
            open_model=open_model,
        )


def _print_config(config: SessionConfig) -> None:
    from runtime.cli.config_file import write_config

    text = write_config(config, with_secrets=False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as TOML demands, whatever the terminal takes
    print(text, end="")


def _find_version() -> str:
    from importlib import metadata

    try:
        return metadata.version("mgca")
    except metadata.PackageNotFoundError:
        return "(not installed)"


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"mgca-rt: {record.levelname.lower()}: {redact(record.getMessage())}"


def _configure_logging(debug: bool, quiet: bool) -> None:
    handler = LineHandler(sys.stderr)
    handler.setFormatter(_LineFormatter())
    level = logging.DEBUG if debug else logging.ERROR if quiet else logging.WARNING
    for name in ("mgca", "runtime"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level)
