"""Tables with tabs between their columns and a first line that names them."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from runtime.errors import UserError


def read_tsv(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """The rows, each a value by column; quotes are letters as others are.

    Args:
        path: of the table, UTF-8.
        columns: that it must have.

    Raises:
        UserError: it cannot be read, or lacks a column or a value.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"{path} cannot be read ({reason}); expected a table with tabs") from None
    reader = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise UserError(
            f"{path} has no column {', '.join(missing)}; expected a first line with "
            f"{', '.join(columns)}, tabs between them"
        )
    rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if any(row[name] is None for name in columns):
            raise UserError(f"{path}, line {number}: fewer values than the first line has names")
    return rows
