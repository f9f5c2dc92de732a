"""The record as a page of Markdown, for ``benchmarks/results/growth.md``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.growth.record import HEAD, LEAST_MIB, table_rows

__all__ = ["format_page"]


def format_page(record: Mapping[str, Any]) -> str:
    """The page: the exponents, then every point."""
    sweeps, hardware = record["sweeps"], record["hardware"]
    steep = record["steep"]
    verdict = (
        "Steeper than linear: " + "; ".join(steep) + "."
        if steep
        else f"No exponent of an upper half is over {record['most']}: nothing grows faster than "
        "what there is more of."
    )
    lines = [
        "# Growth",
        "",
        f"`{record['command']}` on {hardware['cpu']}, {hardware['cores']} cores, "
        f"{record['measured']}. Each size runs in a process of its own, on one thread.",
        "",
        verdict,
        "",
        "*Seconds* are processor time of the work, the least of up to three runs: other programs "
        "on the machine disturb it little. *MiB more* is the peak of resident memory over what the "
        "process held when everything that does not grow was loaded. Exponents are fitted by least "
        "squares over logarithms (± one standard error), once over all sizes and once over the "
        f"upper half; 1 is linear, 0 is no growth, memory under {LEAST_MIB:g} MiB counts as that.",
        "",
        *_table(HEAD, table_rows(sweeps)),
    ]
    for name, sweep in sweeps.items():
        rows = [
            [f"{point['size']:,}", f"{point['cpu_s']:.4g}", f"{point['memory_mib']:.1f}"]
            for point in sweep["points"]
        ]
        lines += ["", f"## {name}", "", f"{sweep['counted'].capitalize()} {sweep['work']}.", ""]
        lines += _table((sweep["counted"], "seconds", "MiB more"), rows)
    return "\n".join(lines) + "\n"


def _table(head: tuple[str, ...], rows: list[list[Any]]) -> list[str]:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines]
