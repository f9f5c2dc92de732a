"""A benchmark as a command: flags in, one measurement, and in its record how it was made."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from runtime.command import CommandParser, run_command
from runtime.environment import describe_hardware, describe_versions


def run_measurement(
    parser: CommandParser,
    measure: Callable[[argparse.Namespace], object],
    argv: Sequence[str] | None,
    *,
    interrupted: str = "interrupted",
) -> int:
    """Parse the flags and measure.

    Args:
        parser: of the flags; its ``prog`` is how the command is called.
        measure: gets the flags, with the whole command line as ``command_line`` among them.
        argv: what stands behind ``prog``; None: the process's own.
        interrupted: what an interruption says.

    Returns:
        The exit code (:func:`runtime.command.run_command`).
    """

    def run(given: Sequence[str]) -> None:
        arguments = parser.parse_args(given)
        arguments.command_line = shlex.join([*parser.prog.split(), *given])
        measure(arguments)

    return run_command(parser.prog, run, argv, interrupted=interrupted)


def describe_measurement(arguments: argparse.Namespace, *packages: str) -> dict[str, Any]:
    """How a record's figures were made, ready for JSON.

    Args:
        arguments: with ``command_line``, as :func:`run_measurement` gives them.
        packages: distributions whose versions matter beside those that the runtime uses.

    Returns:
        ``{"command": ..., "hardware": {...}, "versions": {...}}``.
    """
    return {
        "command": arguments.command_line,
        "hardware": describe_hardware(),
        "versions": describe_versions(*packages),
    }
