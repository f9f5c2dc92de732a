"""The outcomes as a Markdown table, kept between two markers of a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.compat.environment import SHOWN_PACKAGES, Outcome

BEGIN = "<!-- table: begin (written by make test-compat) -->"
END = "<!-- table: end -->"


def format_table(outcomes: Sequence[Outcome], absent: Sequence[str]) -> str:
    """A row for each environment, and one for each Python that was not found."""
    head = ["Python", "versions", *SHOWN_PACKAGES, "demo and tests", "tests passed", "skipped"]
    rows = [head, ["---"] * len(head)]
    for outcome in outcomes:
        result = "ok" if outcome.failed is None else f"**failed**: {outcome.failed}"
        counts = [str(outcome.passed), str(outcome.skipped)] if outcome.passed else ["", ""]
        shown = [outcome.versions.get(name, "") for name in SHOWN_PACKAGES]
        rows.append([outcome.python, outcome.resolution, *shown, result, *counts])
    blank = [""] * len(SHOWN_PACKAGES)
    rows += [[version, "", *blank, "not run: not on this machine", "", ""] for version in absent]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write_table(page: Path, table: str, remark: str) -> None:
    """Put the table and a line about where it was run between the markers of ``page``.

    Raises:
        ValueError: The page lacks a marker.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} should hold the lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{table}\n\n{remark}\n{END}{after}", encoding="utf-8")
