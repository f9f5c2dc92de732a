"""The files that a benchmark leaves: JSON records and pages, written whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, TextIO

from runtime.atomic_write import write_whole
from runtime.errors import UserError
from runtime.plain_json import json_text
from runtime.standard_output import write_stdout

_results: list[TextIO] = []


def check_writable(path: Path | None, flag: str = "--json") -> None:
    """Refuse an output that cannot be written, before minutes are spent on what goes into it.

    Args:
        path: of the file to come, None for none, ``-`` for stdout; its folder is made.
        flag: that named it.

    Raises:
        UserError: a folder, or a place where no file can be made.
    """
    if path is None:
        return
    if _is_stdout(path):
        # The record alone goes to stdout; tables make room for it.
        _results.append(sys.stdout)
        sys.stdout = sys.stderr
        return
    if path.is_dir():
        raise UserError(f"{flag} {path} is a folder; give the name of a file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        beside.touch()
        beside.unlink()
    except OSError as error:
        raise _unwritable(path, error, flag) from None


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a record as JSON (:func:`runtime.plain_json.json_text`); see :func:`write_text`."""
    write_text(path, json_text(record))


def write_text(path: Path, text: str, flag: str = "--json") -> None:
    """Write a file so that a reader sees all of it or nothing; its folder is made.

    Raises:
        UserError: it cannot be written; the error names ``flag``.
    """
    if _is_stdout(path):
        if _results:
            sys.stdout = _results.pop()
        write_stdout(text, flag)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise _unwritable(path, error, flag) from None


def _is_stdout(path: Path) -> bool:
    return str(path) == "-"


def _unwritable(path: Path, error: OSError, flag: str) -> UserError:
    return UserError(f"{flag} {path} cannot be written ({error.strerror}); give another place")
