"""The table in docs/supply.md, between two marks."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.support.processes import REPOSITORY

PAGE = REPOSITORY / "docs" / "supply.md"
BEGIN = "<!-- licenses: begin (make licenses) -->"
END = "<!-- licenses: end -->"

__all__ = ["PAGE", "read_table", "write_table"]


def write_table(packages: Iterable[tuple[str, str, str, str]]) -> int:
    """Put the packages between the marks; gives how many there are."""
    rows = [f"| {' | '.join(package)} |" for package in packages]
    table = "\n".join(
        ["| package | version | license | first needed for |", "|---|---|---|---|", *rows]
    )
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")
    return len(rows)


def read_table() -> dict[str, str]:
    """Licenses by package, as the page has them."""
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    return dict(re.findall(r"^\| ([a-z0-9-]+) \| [^|]* \| ([^|]+) \|", table, re.MULTILINE))
