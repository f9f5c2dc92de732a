"""The files that a benchmark leaves: JSON records and pages, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from runtime.atomic_write import write_whole
from runtime.errors import UserError
from runtime.plain_json import json_text


def check_writable(path: Path | None, flag: str = "--json") -> None:
    """Refuse an output that cannot be written, before minutes are spent on what goes into it.

    Args:
        path: of the file to come, None for none; its folder is made.
        flag: that named it.

    Raises:
        UserError: a folder, or a place where no file can be made.
    """
    if path is None:
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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise _unwritable(path, error, flag) from None


def _unwritable(path: Path, error: OSError, flag: str) -> UserError:
    return UserError(f"{flag} {path} cannot be written ({error.strerror}); give another place")
