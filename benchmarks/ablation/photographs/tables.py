"""The record of an ablation on photographs, and its tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.ablation.markdown import tabulate
from benchmarks.ablation.pairing import Spread, pair
from benchmarks.ablation.photographs.rows import Row

Found = Mapping[str, Any]
KIND_TITLES = {"pixel": "pixels", "groups": "groups", "adaptive": "units"}
#: How each column's figure, in percent, is read off what a trial found.
FIGURES = {
    "present+background": "in sight and background",
    "present": "in sight",
    "all": "all 80",
}


def columns(found: Found) -> dict[str, Callable[[Found], float]]:
    """Title of each column -> its figure in percent."""
    read: dict[str, Callable[[Found], float]] = {}
    for figure, title in FIGURES.items():
        for kind, units in KIND_TITLES.items():
            read[f"{title}, {units}"] = _reader("photographs", figure, kind, "miou")
    for kind in found.get("camvid", {}):
        read[f"CamVid, {KIND_TITLES[kind]}"] = _reader("camvid", kind, "miou")
    read["R@5"] = _reader("retrieval", "r5")
    for kind, units in KIND_TITLES.items():
        read[f"boundary F, {units}"] = _reader(
            "photographs", "present+background", kind, "boundary_f"
        )
    return read


def _reader(*path: str) -> Callable[[Found], float]:
    def read(found: Found) -> float:
        value: Any = found
        for key in path:
            value = value[key]
        return 100 * float(value)

    return read


def make_record(
    rows: Sequence[Row], found: Mapping[str, Sequence[Found]], pairs: int
) -> dict[str, Any]:
    """Means, sample standard deviations and paired differences, in percent.

    Args:
        rows: in the table's order.
        found: by row, what each seed's trial found, in the seeds' order.
        pairs: how many photographs rows are trained on that name no number.
    """
    record: dict[str, Any] = {"rows": {}, "differences": {}}
    by_row: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        by_row[row.name] = {
            title: [read(one) for one in found[row.name]]
            for title, read in columns(found[row.name][0]).items()
        }
        record["rows"][row.name] = {
            "title": row.title,
            "pairs": row.pairs or pairs,
            "figures": {
                title: Spread.of(values).to_record() for title, values in by_row[row.name].items()
            },
        }
    for row in rows:
        if row.before in by_row:
            earlier = by_row[row.before]
            record["differences"][row.name] = {
                "after": row.before,
                "figures": {
                    title: pair(values, earlier[title]).to_record()
                    for title, values in by_row[row.name].items()
                },
            }
    return record


def format_record(record: Mapping[str, Any]) -> str:
    """Tables in Markdown, a figure a line: what each row reaches, what it adds to the last."""
    rows = record["rows"]
    titles = list(next(iter(rows.values()))["figures"])
    head = ["%", *(row["title"] for row in rows.values())]
    body = [[title, *(_spread(row["figures"][title]) for row in rows.values())] for title in titles]
    parts = [tabulate(head, body)]
    differences = record["differences"]
    if differences:
        head = ["difference", *(rows[name]["title"] for name in differences)]
        body = [
            [title, *(_difference(found["figures"][title]) for found in differences.values())]
            for title in titles
        ]
        parts.append(tabulate(head, body))
    return "\n\n".join(parts)


def _spread(spread: Mapping[str, Any]) -> str:
    mean, std = spread["mean"], spread["std"]
    return f"{mean:.1f}" if math.isnan(std) else f"{mean:.1f} ± {std:.1f}"


def _difference(spread: Mapping[str, Any]) -> str:
    mean, std = spread["mean"], spread["std"]
    if math.isnan(std):
        return f"{mean:+.1f}"
    text = f"{mean:+.1f} ± {std:.1f}"
    return f"**{text}**" if abs(mean) > std else text
