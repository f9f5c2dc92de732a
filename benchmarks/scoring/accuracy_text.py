"""A record of ``benchmarks.accuracy`` as text, in percent, as papers print it."""

from __future__ import annotations

from typing import Any

from benchmarks.record.table import format_table
from benchmarks.scoring.score import Kind


def format_record(record: dict[str, Any]) -> str:
    """The record as tables."""
    title = f"{record.get('version', record['dataset'])}, {record['frames']} frames" + (
        f", control {record['control']}" if "control" in record else ""
    )
    if "protocol" in record:
        name = record["protocol"]["name"]
        title += f", protocol {name} (its own figures are those of pixel, refined those of pamr)"
    parts = [title, format_ious(record), *format_comparisons(record)]
    if "compositions" in record:
        parts.append(format_compositions(record["compositions"]))
    return "\n\n".join(parts)


def format_ious(record: dict[str, Any]) -> str:
    """The IoU of every class by kind of unit as a table in percent, with the means below."""
    kinds = list(record["by_units"])
    rows: list[list[object]] = []
    for name in record["iou"]:
        rows.append([name, *(100 * record["by_units"][kind]["iou"][name] for kind in kinds)])
    for title, key in (("mIoU", "miou"), ("boundary F", "boundary_f")):
        rows.append([title, *(100 * record["by_units"][kind][key] for kind in kinds)])
    return format_table(["IoU %", *kinds], rows)


def format_comparisons(record: dict[str, Any]) -> list[str]:
    """A sentence for each of the figures that stand beside the mIoU."""
    said = []
    if "miou_gain" in record:
        low, high = (100 * value for value in record["miou_gain_ci95"])
        gain = 100 * record["miou_gain"]
        said.append(f"adaptive ahead of pixel by {gain:.2f} points (95 %: {low:.2f} to {high:.2f})")
    if "ceiling" in record:
        best, (wide, tall) = record["ceiling"], record["ceiling"]["grid_wh"]
        said.append(
            f"the truth through the {wide}x{tall} grid: {100 * best['miou']:.2f}; "
            f"{100 * best['reached']:.1f} % of it reached"
        )
    if "active_units" in record:
        found = record["active_units"]
        said.append(
            f"units in use: {found['plainest_tenth']:.1f} in the plainest tenth of the frames, "
            f"{found['busiest_tenth']:.1f} in the busiest, {found['ratio']:.1f} times"
        )
    return said


def format_compositions(compositions: dict[Kind, dict[str, Any]]) -> str:
    """The held-out pairs as a table in percent."""
    kinds = list(compositions)
    phrases = list(compositions[kinds[0]]["iou"])
    rows: list[list[object]] = [
        [phrase, *(100 * compositions[kind]["iou"][phrase] for kind in kinds)] for phrase in phrases
    ]
    for title, key in (("mIoU", "miou"), ("right color", "right_color")):
        rows.append([title, *(100 * float(compositions[kind][key]) for kind in kinds)])
    return format_table(["held-out pairs, IoU %", *kinds], rows)
