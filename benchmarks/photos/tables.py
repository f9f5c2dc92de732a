"""A record of photographs as tables in percent."""

from __future__ import annotations

from typing import Any

from benchmarks.record.table import format_table

_ROWS = (("mIoU", "miou"), ("pixel accuracy", "pixel_accuracy"), ("boundary F", "boundary_f"))
RANDOM = "random word"


def format_record(record: dict[str, Any]) -> str:
    """Each figure's means by kind of unit, what stands beside them, and the IoU of every name."""
    parts = [f"{record['dataset']}, {record['photographs']} photographs"]
    for figure, found in record["figures"].items():
        parts.append(format_figure(figure, found))
        parts += format_comparison(found)
    parts.append(format_names(record))
    return "\n\n".join(parts)


def format_figure(figure: str, found: dict[str, Any]) -> str:
    """One figure's means, kinds of unit side by side, the control last."""
    columns = {**found["by_units"], RANDOM: found["random_word"]}
    rows: list[list[object]] = []
    for title, key in _ROWS:
        rows.append([title, *(_percent(one.get(key)) for one in columns.values())])
    interval = [one.get("miou_ci95") for one in columns.values()]
    rows.insert(1, ["mIoU, 95 %", *(pair and _span(pair) for pair in interval)])
    return format_table([f"{figure}, %", *columns], rows)


def format_comparison(found: dict[str, Any]) -> list[str]:
    """Adaptive units beside pixels, in a sentence; none where only one was asked for."""
    if "miou_gain" not in found:
        return []
    said = (
        f"adaptive ahead of pixel by {100 * found['miou_gain']:.2f} points of mIoU "
        f"(95 %: {_span(found['miou_gain_ci95'])})"
    )
    if found["boundary_f_ratio_ci95"]:
        low, high = found["boundary_f_ratio_ci95"]
        said += (
            f"; boundary F {found['boundary_f_ratio']:.3f} times pixel's "
            f"(95 %: {low:.3f} to {high:.3f})"
        )
    return [said]


def format_names(record: dict[str, Any]) -> str:
    """The IoU of every name that the truth shows, by figure, with the first kind of unit."""
    ious = {
        figure: next(iter(found["by_units"].values()))["iou"]
        for figure, found in record["figures"].items()
    }
    names = dict.fromkeys(name for by_name in ious.values() for name in by_name)
    rows = [[name, *(_percent(by_name.get(name)) for by_name in ious.values())] for name in names]
    kind = next(iter(next(iter(record["figures"].values()))["by_units"]))
    return format_table([f"IoU %, {kind}", *ious], rows)


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _span(pair: list[float]) -> str:
    return f"{100 * pair[0]:.2f} to {100 * pair[1]:.2f}"
