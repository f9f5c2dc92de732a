"""``python -m benchmarks.hostile_streams``: does damaged media ever take a run down?

Media of many kinds is made in code and damaged by a seed: cut off, bits flipped, fields set to the
ends of their ranges, blocks removed and repeated, files put together, named wrongly. Each file goes
through the runtime's own sources with ``--isolate``'s process, its limits of time and memory. Each
case has to end in labelled frames, an error of one line, or a reported end of the source.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hostile_streams.cases import Case, make_case
from benchmarks.hostile_streams.media import make_media
from benchmarks.hostile_streams.trial import FAULTS, OUTCOMES, Outcome, try_case
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from runtime.command import CommandParser
from runtime.errors import MgcaError
from runtime.flag_values import number, whole_number

PROG = "python -m benchmarks.hostile_streams"
#: Faults that a record quotes.
MOST_QUOTED = 20
MIB = 1 << 20

Found = list[tuple[Case, Outcome]]


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Read damaged media of many kinds, each in a process of its own.",
        epilog=f"example:\n  {PROG} --cases 500 --seed 1 --json hostile.json",
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add("--cases", type=whole_number(1), default=200, help="how many files, 200")
    add("--seed", type=whole_number(0), default=0, help="of the damage, 0")
    add("--jobs", type=whole_number(1), default=2, help="cases at a time, 2")
    add("--silence-s", type=number(0.1), default=10.0, help="no sign of life is a hang, 10")
    add("--limit-s", type=number(0.1), default=60.0, help="seconds for a case, 60")
    add("--memory-mib", type=whole_number(64), default=2048, help="for its process, 2048")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def try_all(arguments: argparse.Namespace, label: Callable[[np.ndarray], np.ndarray]) -> Found:
    """Every case and its outcome, in the order of their numbers."""
    labelling = threading.Lock()

    def label_alone(image_bgr: np.ndarray) -> np.ndarray:
        with labelling:
            return label(image_bgr)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media = make_media(folder)

        def run(place: int) -> tuple[Case, Outcome]:
            case = make_case(place, arguments.seed, media, folder / f"case{place}")
            outcome = try_case(
                case,
                label_alone,
                silence_s=arguments.silence_s,
                limit_s=arguments.limit_s,
                memory_bytes=arguments.memory_mib * MIB,
            )
            shutil.rmtree(case.folder)
            return case, outcome

        with ThreadPoolExecutor(arguments.jobs) as pool:
            return list(pool.map(run, range(arguments.cases)))


def count(found: Found) -> dict[str, Any]:
    """How often each kind of end came, in all, by damage and by media; and what broke the promise.

    Of a process that crashed or hung, only the number is kept: what made it do so is for the
    library's authors.
    """
    by_damage: dict[str, Counter[str]] = {}
    by_media: dict[str, Counter[str]] = {}
    for case, outcome in found:
        by_damage.setdefault(case.damage, Counter())[outcome.kind] += 1
        by_media.setdefault(case.media.split()[0], Counter())[outcome.kind] += 1
    kinds = Counter(outcome.kind for _, outcome in found)
    faults = Counter(
        f"{outcome.kind}: {outcome.text.replace(str(case.folder), '')}"
        for case, outcome in found
        if outcome.kind in FAULTS
    )
    return {
        "outcomes": {kind: kinds[kind] for kind in (*OUTCOMES, *FAULTS)},
        "frames": sum(outcome.frames for _, outcome in found),
        "by_damage": {name: dict(by_damage[name]) for name in sorted(by_damage)},
        "by_media": {name: dict(by_media[name]) for name in sorted(by_media)},
        "faults": [f"{times} x {text}" for text, times in faults.most_common(MOST_QUOTED)],
    }


def format_record(record: dict[str, Any]) -> str:
    """The record as tables."""
    kinds = [kind for kind, times in record["outcomes"].items() if times]
    rows = [
        [name, *(counts.get(kind, 0) for kind in kinds)]
        for part in ("by_damage", "by_media")
        for name, counts in record[part].items()
    ]
    rows.append(["all", *(record["outcomes"][kind] for kind in kinds)])
    told = (
        f"{record['cases']} cases of seed {record['seed']}, {record['frames']} frames, "
        f"{record['seconds']:.0f} s"
    )
    return "\n\n".join([format_table(["", *kinds], rows), told, *record["faults"]])


def measure(arguments: argparse.Namespace) -> None:
    """Run all cases, print tables on stdout, write the JSON record; raises for a broken promise."""
    check_writable(arguments.json)
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    label = subject.labeller(["person", "car"], "auto")
    logging.getLogger("mgca.sources").setLevel(logging.CRITICAL)  # a warning a case
    began = time.perf_counter()
    counted = count(try_all(arguments, label))
    record = {
        "cases": arguments.cases,
        "seed": arguments.seed,
        "seconds": round(time.perf_counter() - began, 1),
        "limits": {
            "silence_s": arguments.silence_s,
            "limit_s": arguments.limit_s,
            "memory_mib": arguments.memory_mib,
        },
        **counted,
        "bundle": subject.describe(),
        **describe_measurement(arguments, "av", "opencv-python", "pillow"),
    }
    print(format_record(record))
    if arguments.json is not None:
        write_json(arguments.json, record)
    broken = sum(counted["outcomes"][kind] for kind in FAULTS)
    if broken:
        raise MgcaError(f"{broken} of {arguments.cases} cases ended as none may; see above")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
