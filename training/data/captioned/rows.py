"""The lines of a table as cells: parted by tabs, where quotes are characters like others, or by
commas, where quotes hold a cell together (RFC 4180).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from runtime.errors import UserError

# The csv module's own limit is 131,072 characters.
LONGEST_CELL = 2**20


def is_comma_separated(header: str) -> bool:
    """Whether a table's first line parts its columns by commas."""
    return "\t" not in header and "," in header


def split_rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Number of its line, from 1, and cells of each row, the header first.

    Args:
        path: of the table, for messages.
        text: the whole of it.

    Raises:
        UserError: quotes of a CSV that do not close: what follows would be one cell.
    """
    if not is_comma_separated(text.partition("\n")[0]):
        for number, line in enumerate(text.split("\n"), start=1):
            yield number, line.rstrip("\r").split("\t")
        return
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    first = 1
    try:
        for cells in reader:
            yield first, cells or [""]
            first = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"--train-data '{path}', from line {first} on: {error}; expected quotes in pairs, "
            'doubled within a cell ("a ""red"" car"), or tabs between the columns, where quotes '
            "are characters like others"
        ) from None
