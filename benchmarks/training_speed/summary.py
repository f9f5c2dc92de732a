"""Rounds of paired measurements -> medians and ratios, as a record and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.record.table import format_table

Measurement = Mapping[str, Any]  # what a worker prints


def summarise(rounds: Sequence[tuple[Measurement, Measurement]]) -> dict[str, Any]:
    """The figures of rounds of (memory kept, memory given back), ready for JSON.

    A ratio compares the two of one round, so that what else the machine did weighs on both; the
    share of the matrix rate is each measurement's own, its median over the rounds with memory kept.
    """
    kept = [one for one, _ in rounds]
    rates = {
        name: median(one["matrix_gflop_s"][name] for pair in rounds for one in pair)
        for name in kept[0]["matrix_gflop_s"]
    }
    phases = {name: _summarise_phase(rounds, name) for name in kept[0]["phases"]}
    scenes_s = median(phase["scenes_s"] for one in kept for phase in one["phases"].values())
    fastest = max(phase["samples_s"]["kept"] for phase in phases.values())
    return {
        "precision": kept[0]["precision"],
        "threads": kept[0]["threads"],
        "matrix_gflop_s": rates,
        "phases": phases,
        "data": {
            "scenes_s_of_one_worker": scenes_s,
            # below 1 a single worker starves the faster phase
            "worker_over_faster_phase": scenes_s / fastest,
        },
    }


def _summarise_phase(
    rounds: Sequence[tuple[Measurement, Measurement]], name: str
) -> dict[str, Any]:
    kept = [one["phases"][name] for one, _ in rounds]
    returned = [other["phases"][name] for _, other in rounds]
    ratios = [a["samples_s"] / b["samples_s"] for a, b in zip(kept, returned, strict=True)]
    gflop_s = [phase["gflop_step"] / phase["step_s"] for phase in kept]
    return {
        "batch": kept[0]["batch"],
        "gflop_step": kept[0]["gflop_step"],
        "samples_s": {
            "kept": median(phase["samples_s"] for phase in kept),
            "given_back": median(phase["samples_s"] for phase in returned),
        },
        "kept_over_given_back": median(ratios),
        "ratios": ratios,
        "gflop_s": median(gflop_s),
        "share_of_matrix_rate": {
            precision: median(
                rate / one["matrix_gflop_s"][precision]
                for rate, (one, _) in zip(gflop_s, rounds, strict=True)
            )
            for precision in rounds[0][0]["matrix_gflop_s"]
        },
    }


def format_summary(record: Mapping[str, Any]) -> str:
    """Two tables: the phases, and what they are held against."""
    rows: list[list[object]] = []
    for name, phase in record["phases"].items():
        samples_s, share = phase["samples_s"], phase["share_of_matrix_rate"]
        rows.append(
            [
                name,
                samples_s["kept"],
                samples_s["given_back"],
                phase["kept_over_given_back"],
                phase["gflop_s"],
                *(100 * share[precision] for precision in share),
            ]
        )
    rates = record["matrix_gflop_s"]
    head = ["phase", "samples/s", "memory given back", "ratio", "GFLOP/s"]
    head += [f"% of {precision} products" for precision in rates]
    beside: list[list[object]] = [
        [f"matrix products, {precision}, GFLOP/s", rate] for precision, rate in rates.items()
    ]
    data = record["data"]
    beside.append(["data, scenes/s of one worker", data["scenes_s_of_one_worker"]])
    beside.append(["data over the faster phase", data["worker_over_faster_phase"]])
    return format_table(head, rows) + "\n\n" + format_table(["held against", ""], beside)
