"""``python -m benchmarks.reproduce``: the field's table of training-free methods, once more.

Each method of dense features is exported once, each of the eight sets that is there is scored once
by :mod:`benchmarks.accuracy`, and the figures stand beside the published ones. What is done stays
on the disk: the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.protocols.registry import PROTOCOLS
from benchmarks.record.files import check_writable, write_json, write_text
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.reproduce.cells import Cells
from benchmarks.reproduce.comparison import Comparison, compare, format_page
from benchmarks.reproduce.plan import RANDOM, Plan, find_roots, hold_to
from benchmarks.reproduce.published import ORDER, PUBLISHED, WHOLE
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import whole_number

PROG = "python -m benchmarks.reproduce"
# What the published rows are of.
THEIRS = (("ViT-B-16", "openai"), ("ViT-B-16-quickgelu", "openai"))
_RESIZE = {"sclip": "scale-factor", "tcl": "size"}


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Export each method of dense features, score the eight sets, and compare with "
        "what was published. Run again, it goes on where it stopped.",
        epilog=f"example:\n  {PROG} --root DATA --clip ViT-B-16 --pretrained openai",
    )
    add = parser.add_argument
    add("--root", type=Path, required=True, help="folder below which the data sets lie")
    add("--clip", default="ViT-B-16", help="open_clip's model name (ViT-B-16)")
    add(
        "--pretrained",
        default="openai",
        help=f"its weights' tag, a file, or '{RANDOM}' to try the way (openai)",
    )
    add("--activation", choices=("quickgelu", "gelu"), help="of a file that does not say")
    add("--protocol", choices=tuple(PROTOCOLS), default="sclip", help="published protocol (sclip)")
    add("--methods", default=",".join(PUBLISHED), help="some of them, separated by commas (all)")
    add("--datasets", default=",".join(ORDER), help="some of them, separated by commas (all)")
    add("--precision", choices=("fp32", "fp16", "int8"), default="fp32", help="of the bundles")
    add("--out", type=Path, default=Path("runs/reproduce"), help="folder (runs/reproduce)")
    add("--backend", default="auto", help="as mgca-rt takes it (auto)")
    add("--threads", type=whole_number(1), help="of the backend")
    add("--json", type=Path, help="write the figures to this file as well")
    return parser


def parse_names(text: str, flag: str, known: Sequence[str]) -> list[str]:
    """Names out of a list, in their known order; UserError for others."""
    names = {name.strip() for name in text.split(",") if name.strip()}
    if not names or names - set(known):
        raise UserError(f"{flag} '{text}': expected some of {', '.join(known)}")
    return [name for name in known if name in names]


def remarks_on(plan: Plan, comparisons: Sequence[Comparison]) -> list[str]:
    """What a reader of the table must know first."""
    remarks = []
    if plan.is_random:
        remarks.append("The weights are random: these figures prove the way and mean nothing.")
    elif (plan.clip, plan.pretrained) not in THEIRS:
        remarks.append(
            f"{plan.clip} with {plan.pretrained} is not what the published rows are of (ViT-B-16 "
            "with openai): nothing is compared."
        )
    elif plan.protocol != "sclip":
        remarks.append(
            f"The published rows are of SCLIP's line of protocols, not {plan.protocol}: nothing is "
            "compared."
        )
    parts = {
        one.dataset: one.pictures
        for one in comparisons
        if one.pictures and one.pictures not in WHOLE[one.dataset]
    }
    if parts:
        said = ", ".join(f"{name} {count} of {WHOLE[name][-1]}" for name, count in parts.items())
        remarks.append(f"Parts of sets, which are compared with nothing: {said} pictures.")
    return remarks


def measure(arguments: argparse.Namespace) -> None:
    """Export, score and compare; prints the page on stdout."""
    check_writable(arguments.json)
    methods = parse_names(arguments.methods, "--methods", tuple(PUBLISHED))
    datasets = parse_names(arguments.datasets, "--datasets", ORDER)
    plan = Plan(
        clip=arguments.clip,
        pretrained=arguments.pretrained,
        activation=arguments.activation,
        protocol=arguments.protocol,
        position_resize=_RESIZE[arguments.protocol],
        precision=arguments.precision,
    )
    roots, missing = find_roots(arguments.root, datasets)
    for name, reason in missing.items():
        print(f"missing: {name}: {reason}", file=sys.stderr)
    check_writable(arguments.out / "plan.json", "--out")
    hold_to(plan, arguments.out)
    cells = Cells(plan, arguments.out, arguments.backend, arguments.threads)
    scores: dict[tuple[str, str], dict[str, Any]] = {}
    todo = [(dense, name) for dense in methods for name in roots]
    for dense, name in tqdm(todo, desc="cells", leave=False, disable=None):
        scores[dense, name] = cells.score(dense, name, roots[name])
        record = _write(arguments, plan, scores, methods, datasets, missing)
    if arguments.json is not None:
        write_json(arguments.json, record)
    print((arguments.out / "table.md").read_text(), end="")


def _write(
    arguments: argparse.Namespace,
    plan: Plan,
    scores: dict[tuple[str, str], dict[str, Any]],
    methods: Sequence[str],
    datasets: Sequence[str],
    missing: dict[str, str],
) -> dict[str, Any]:
    """The page and the record of what is there by now; gives the record."""
    same = (plan.clip, plan.pretrained) in THEIRS and plan.protocol == "sclip"
    comparisons = compare(scores, methods, datasets, same=same)
    remarks = remarks_on(plan, comparisons)
    write_text(arguments.out / "table.md", format_page(comparisons, missing, remarks), "--out")
    record = {
        "plan": vars(plan),
        "remarks": remarks,
        "comparisons": [one.to_record() for one in comparisons],
        "missing": missing,
        **describe_measurement(arguments),
    }
    write_json(arguments.out / "table.json", record)
    return record


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    stopped = "interrupted; the same command goes on from here"
    return run_measurement(build_parser(), measure, argv, interrupted=stopped)


if __name__ == "__main__":
    sys.exit(main())
