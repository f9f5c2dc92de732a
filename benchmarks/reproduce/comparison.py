"""Measured figures beside the published ones, and which differ by more than rounding explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.reproduce.published import ORDER, PUBLISHED, WHOLE

# Points of mIoU.
MOST_DIFFERENCE = 0.5

__all__ = ["MOST_DIFFERENCE", "Comparison", "compare", "format_page"]


@dataclass(frozen=True)
class Comparison:
    """One method on one set.

    Attributes:
        dense: the method.
        dataset: the set.
        miou: measured, percent; None: the set is not there.
        published: percent; None: no figure at hand.
        pictures: how many were scored.
        comparable: the whole set, with the weights and the protocol of the published rows.
    """

    dense: str
    dataset: str
    miou: float | None
    published: float | None
    pictures: int
    comparable: bool

    @property
    def difference(self) -> float | None:
        """Measured less published, where the two can be compared."""
        if self.miou is None or self.published is None or not self.comparable:
            return None
        return self.miou - self.published

    @property
    def stands_out(self) -> bool:
        """Whether it differs by more than ``MOST_DIFFERENCE``."""
        return self.difference is not None and abs(self.difference) > MOST_DIFFERENCE

    def to_record(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "dense": self.dense,
            "dataset": self.dataset,
            "miou": self.miou,
            "published": self.published,
            "difference": self.difference,
            "stands_out": self.stands_out,
            "pictures": self.pictures,
            "comparable": self.comparable,
        }


def compare(
    scores: Mapping[tuple[str, str], Mapping[str, Any]],
    methods: Sequence[str],
    datasets: Sequence[str],
    *,
    same: bool,
) -> list[Comparison]:
    """A comparison for each method and set, in the order of published tables.

    Args:
        scores: records of ``benchmarks.accuracy`` by method and set.
        methods: the rows.
        datasets: the columns.
        same: weights and protocol are those that the published rows are of.
    """
    found = []
    for dense in methods:
        for dataset in (name for name in ORDER if name in datasets):
            record = scores.get((dense, dataset))
            pictures = 0 if record is None else int(record["frames"])
            found.append(
                Comparison(
                    dense,
                    dataset,
                    None if record is None else round(100 * float(record["miou"]), 2),
                    PUBLISHED[dense].miou.get(dataset),
                    pictures,
                    same and pictures in WHOLE[dataset],
                )
            )
    return found


def format_page(
    comparisons: Sequence[Comparison], missing: Mapping[str, str], remarks: Sequence[str]
) -> str:
    """The table as Markdown, what stands out, what is missing, and where the rows come from."""
    datasets = list(dict.fromkeys(one.dataset for one in comparisons))
    lines = ["# Published rows again", "", *(f"**{remark}**\n" for remark in remarks)]
    lines.append(
        "mIoU in percent: measured, and the published figure in brackets; ! differs by more than "
        f"{MOST_DIFFERENCE}.\n"
    )
    lines += [
        "| method | " + " | ".join(datasets) + " | mean |",
        "|---" * (len(datasets) + 2) + "|",
    ]
    for dense in dict.fromkeys(one.dense for one in comparisons):
        row = [one for one in comparisons if one.dense == dense]
        lines.append(f"| {dense} | " + " | ".join(map(_cell, row)) + f" | {_mean(dense, row)} |")
    far = [one for one in comparisons if one.stands_out]
    comparable = sum(one.difference is not None for one in comparisons)
    lines += ["", f"{len(far)} of {comparable} figures that can be compared stand out."]
    for dense in dict.fromkeys(one.dense for one in far):
        reason = PUBLISHED[dense].differs or "nothing that is known"
        lines.append(f"- {dense}: its row was made with other settings: {reason}.")
    if missing:
        lines += ["", "Not there:", *(f"- {name}: {reason}" for name, reason in missing.items())]
    lines += ["", "Sources:"]
    for dense in dict.fromkeys(one.dense for one in comparisons):
        lines.append(f"- {dense}: {PUBLISHED[dense].source}")
    return "\n".join(lines) + "\n"


def _cell(one: Comparison) -> str:
    measured = "-" if one.miou is None else f"{one.miou:.2f}"
    published = "" if one.published is None else f" ({one.published:g})"
    return f"{measured}{published}{' !' if one.stands_out else ''}"


def _mean(dense: str, row: Sequence[Comparison]) -> str:
    measured = [one.miou for one in row if one.miou is not None]
    known = PUBLISHED[dense].miou
    ours = f"{sum(measured) / len(measured):.2f}" if len(measured) == len(ORDER) else "-"
    theirs = PUBLISHED[dense].mean
    if theirs is None and known:
        theirs = sum(known.values()) / len(known)
    return ours if theirs is None else f"{ours} ({theirs + 1e-9:.1f})"  # 30.25 is 30.3
