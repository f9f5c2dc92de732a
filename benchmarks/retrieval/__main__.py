"""``python -m benchmarks.retrieval``: captions find their photographs, and photographs captions.

The bundle alone scores a pair: the caption, encoded as it stands, is a word whose scores over the
photograph are pooled (:mod:`benchmarks.retrieval.pooling`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.names import choose_names
from benchmarks.record.table import format_table
from benchmarks.retrieval.captions import USUAL_PLACE, read_captions
from benchmarks.retrieval.matching import embed_captions, score_pairs
from benchmarks.retrieval.pooling import NAMES, PoolSettings
from benchmarks.retrieval.recall import AT, DIRECTIONS, chance, describe_recall
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from runtime.command import CommandParser
from runtime.flag_values import number, whole_number

PROG = "python -m benchmarks.retrieval"
EXAMPLES = f"""examples:
  {PROG} --captions path/to/captions.tsv --split dev --json retrieval.json
  {PROG} --bundle bundles/mine --captions path/to/captions.tsv --pool softmax,mean,max
"""
_LEAST = 1e-4


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure how well whole captions find their photographs, and the reverse.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add("--captions", type=Path, default=USUAL_PLACE, help=f"the table ({USUAL_PLACE})")
    add("--split", help="of the table's; else all rows")
    add("--limit", type=whole_number(1), help="only so many photographs, from the first on")
    add("--pool", default="softmax", help=f"some of {','.join(NAMES)} (softmax)")
    add("--temperature", type=number(_LEAST), help="of softmax and sigmoid; 1 / logit scale")
    add("--top", type=number(_LEAST, 1), default=0.1, help="share that --pool top takes, 0.1")
    add("--units", choices=("pixel", "adaptive"), default="pixel", help="whose scores; pixel")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    pools = choose_names(arguments.pool, NAMES, "--pool")
    pool = read_captions(arguments.captions, arguments.split, arguments.limit)
    started = time.perf_counter()
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    segmenter = subject.segmenter
    temperature = arguments.temperature or 1 / segmenter.manifest.logit_scale
    settings = PoolSettings(temperature, arguments.top)
    text_kd = embed_captions(segmenter, pool.captions, arguments.threads, progress=True)
    scores = score_pairs(
        segmenter, pool.images, text_kd, arguments.units, pools, settings, progress=True
    )
    record = {
        **make_record(scores, pool.owner),
        "dataset": arguments.captions.resolve().parent.name,
        "split": arguments.split,
        "photographs": len(pool.images),
        "captions": len(pool.captions),
        "settings": {
            "units": arguments.units,
            "temperature": round(temperature, 6),
            "top": arguments.top,
        },
        "bundle": subject.describe(),
        "seconds": round(time.perf_counter() - started, 1),
        **describe_measurement(arguments),
    }
    print(format_record(record))
    if arguments.json:
        write_json(arguments.json, record)


def make_record(scores: dict[str, np.ndarray], owner: np.ndarray) -> dict[str, Any]:
    """The figures of the first way of pooling at the top level, each under ``by_pool``."""
    by_pool = {pool: describe_recall(scores_cp, owner) for pool, scores_cp in scores.items()}
    first = next(iter(by_pool))
    return {**by_pool[first], "pool": first, "by_pool": by_pool, "chance": chance(owner)}


def format_record(record: dict[str, Any]) -> str:
    """The record as a table in percent."""
    rows: list[list[object]] = []
    columns = {**record["by_pool"], "chance": record["chance"]}
    for direction in DIRECTIONS:
        title = direction.replace("_", " ")
        for k in AT:
            found = [one[direction][f"r{k}"] for one in columns.values()]
            rows.append([f"{title}, R@{k}", *(100 * value for value in found)])
            spans = [one[direction].get(f"r{k}_ci95") for one in columns.values()]
            rows.append(["  95 %", *(span and _percent_span(span) for span in spans)])
        ranks = [one[direction].get("median_rank") for one in columns.values()]
        rows.append([f"{title}, median rank", *ranks])
    title = (
        f"{record['dataset']}, {record['captions']} captions of {record['photographs']} "
        f"photographs, by {record['settings']['units']}"
    )
    return "\n\n".join((title, format_table(["%", *columns], rows)))


def _percent_span(pair: list[float]) -> str:
    return f"{100 * pair[0]:.1f} to {100 * pair[1]:.1f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
