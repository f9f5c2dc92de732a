"""``python -m benchmarks.hostile_bundles``: what becomes of bundles that were made to do harm.

Each mutant of a good bundle is opened and run in a process of its own, held to a limit of memory
and time, with the folders around it watched. It must end in ``BundleError`` or in labels of the
right shape; every other end is a finding.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from runtime.command import CommandParser
from runtime.errors import MgcaError, UserError
from runtime.flag_values import number, whole_number

PROG = "python -m benchmarks.hostile_bundles"


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Open and run changed bundles, a process each; count how they end.",
        epilog=f"example:\n  {PROG} --mutants 2000 --seed 1 --json hostile_bundles.json",
    )
    add = parser.add_argument
    add("--mutants", type=whole_number(1), default=200, help="how many, 200")
    add("--seed", type=whole_number(0), default=0, help="what they are drawn from, 0")
    add("--first", type=whole_number(0), default=0, help="number of the first, 0: to repeat one")
    add("--memory-mib", type=whole_number(64), default=2048, help="most memory of a case, 2048")
    add("--seconds", type=number(0.1, 3600), default=20.0, help="longest time of a case, 20")
    add("--keep", type=Path, metavar="DIR", help="keep the bundles that end badly, to look at them")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def describe(cases: Sequence[Any]) -> dict[str, Any]:
    """Counts by end, by part and end; the largest figures; the findings."""
    from benchmarks.hostile_bundles.trial import ENDS, GOOD_ENDS

    ends = Counter(case.end.kind for case in cases)
    parts: dict[str, dict[str, int]] = {}
    for case in cases:
        counts = parts.setdefault(case.part, dict.fromkeys(ENDS, 0))
        counts[case.end.kind] += 1
    findings = [case.to_json() for case in cases if case.end.kind not in GOOD_ENDS]
    return {
        "mutants": len(cases),
        "ends": {kind: ends[kind] for kind in ENDS},
        "by_part": dict(sorted(parts.items())),
        "origins": dict(sorted(Counter(case.origin for case in cases).items())),
        "backends": dict(sorted(Counter(case.backend for case in cases).items())),
        "largest_peak_rss_mib": round(max(case.outcome.peak_rss_mib for case in cases), 1),
        "longest_s": round(max(case.outcome.seconds for case in cases), 3),
        "cpu_s": round(sum(case.outcome.cpu_s for case in cases), 1),
        "findings": findings,
    }


def measure(arguments: argparse.Namespace) -> None:
    """Try the mutants, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    if not hasattr(os, "fork") or not sys.platform.startswith("linux"):
        raise UserError("this benchmark needs Linux: its limits and watches are Linux's own")
    from tqdm import tqdm

    from benchmarks.hostile_bundles.campaign import Campaign, Case
    from benchmarks.hostile_bundles.worker import Limits

    limits = Limits(arguments.memory_mib, arguments.seconds)
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        campaign = Campaign(Path(folder).resolve(), arguments.seed, limits)
        numbers = range(arguments.first, arguments.first + arguments.mutants)
        shown = tqdm(numbers, desc="mutants", unit="case", leave=False, disable=None)
        cases: list[Case] = []
        with contextlib.suppress(KeyboardInterrupt):  # what there is by then is told
            for case in campaign.run(shown, arguments.keep):
                cases.append(case)
        campaign.close()
    if not cases:
        raise KeyboardInterrupt
    record = {
        "seed": arguments.seed,
        "first": arguments.first,
        "limits": vars(limits),
        **describe(cases),
        **describe_measurement(arguments, "tokenizers", "safetensors", "openvino"),
    }
    print(format_record(record))
    if arguments.json is not None:
        write_json(arguments.json, record)
    if record["findings"]:
        raise MgcaError(f"{len(record['findings'])} of {len(cases)} cases ended badly")


def format_record(record: dict[str, Any]) -> str:
    """The record as a table of ends by part, and a line for each finding."""
    kinds = list(record["ends"])
    rows: list[list[object]] = [
        [part, *(counts[kind] for kind in kinds)] for part, counts in record["by_part"].items()
    ]
    rows.append(["all", *(record["ends"][kind] for kind in kinds)])
    told = [
        f"{one['number']} {one['origin']} {one['part']} {one['backend']}: {one['kind']}: "
        f"{one['text'][:300]}"
        for one in record["findings"]
    ]
    most = (
        f"at most {record['largest_peak_rss_mib']:.0f} MiB and {record['longest_s']:.1f} s a case; "
        f"{record['cpu_s']:.0f} s of CPU"
    )
    return "\n".join([format_table(["changed", *kinds], rows), "", most, *told])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
