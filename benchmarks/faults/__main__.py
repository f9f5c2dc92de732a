"""``python -m benchmarks.faults``: what stands after a kill, a signal or a full disk at any moment?

``mgca-rt`` writes every kind of file at once, over those of a run before. It is killed
(``--kills``), asked to end by SIGTERM, SIGINT and SIGHUP in turn (``--signals``), or finds no room
for a file beyond a size (``--full``), at moments and sizes that the seed gives. After each, every
file under a final name has to be whole, and at last a run that nothing disturbs has to give the
label images that the first one gave.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.faults.promises import find_broken, find_hidden
from benchmarks.faults.run import Ending, Workplace
from benchmarks.hostile_bundles.corpus import write_tiny_bundle
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from runtime.command import INTERRUPTED, CommandParser
from runtime.errors import MgcaError
from runtime.flag_values import whole_number

PROG = "python -m benchmarks.faults"
ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Of the moments, this share lies where outputs are written; the rest anywhere in the run.
WRITING_SHARE = 0.7
#: Sizes at which files are full are drawn evenly on a scale of powers, up to this.
LARGEST_FULL = 200_000
MOST_QUOTED = 20


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="End runs at random moments and look at what stands.",
        epilog=f"example:\n  {PROG} --kills 200 --signals 60 --full 60 --json faults.json",
    )
    add = parser.add_argument
    add("--kills", type=whole_number(0), default=20, help="runs that are killed, 20")
    add("--signals", type=whole_number(0), default=12, help="that are asked to end, 12")
    add("--full", type=whole_number(0), default=12, help="that find the disk full, 12")
    add("--seed", type=whole_number(0), default=0, help="of moments and sizes, 0")
    add("--json", type=Path, help="write the figures to this file")
    return parser


class Trial:
    """Runs on one workplace, and what was wrong after each.

    Attributes:
        broken: a line for each broken promise.
        left_beside: files under hidden names after kills.
        endings: how many runs of each kind of fault ended how.
    """

    def __init__(self, workplace: Workplace) -> None:
        self.workplace = workplace
        self.broken: list[str] = []
        self.left_beside = 0
        self.endings: dict[str, Counter[str]] = {}
        self._seen: dict[Path, tuple[int, int]] = {}

    def begin(self) -> Ending:
        """The first whole run, whose outputs stand from then on."""
        ending = self.workplace.run()
        self.judge("undisturbed", ending, [0], "")
        if self.broken or ending.first_s is None:
            raise MgcaError(f"a run that nothing disturbs fails: {ending.stderr} {self.broken}")
        self.labels = self._labels()
        return ending

    def finish(self) -> None:
        """The last whole run: it has to be as the first one."""
        self.judge("undisturbed", self.workplace.run(), [0], "at the end")
        if self._labels() != self.labels:
            self.broken.append("at the end: label images are not those of the first run")

    def judge(self, kind: str, ending: Ending, allowed: Sequence[int], where: str) -> None:
        """Count a run, and look at all that stands after it."""
        name = "hung" if ending.code is None else f"exit {ending.code}"
        if ending.code is not None and ending.code < 0:
            name = signal.Signals(-ending.code).name
        self.endings.setdefault(kind, Counter())[name] += 1
        found = find_broken(self.workplace.outputs, self._seen)
        if ending.code not in allowed:
            found.append(f"ended by {name}: {ending.stderr[-300:]}")
        if "Traceback" in ending.stderr and ending.code in (0, 1, 2):
            found.append(f"a traceback: {ending.stderr[-300:]}")
        hidden = find_hidden(self.workplace.outputs)
        if ending.code is not None and ending.code >= 0:
            found += [f"{path.name} is left beside" for path in hidden]
        self.left_beside += len(hidden)
        for path in hidden:
            path.unlink()
        self.broken += [f"{kind} {where}: {one}" for one in found]

    def _labels(self) -> dict[str, bytes]:
        folder = self.workplace.outputs / "labels"
        return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def draw_moments(count: int, whole: Ending, chance: random.Random) -> Iterator[float]:
    """Seconds after the start, most of them while files are written."""
    assert whole.first_s is not None
    for _ in range(count):
        least_s = whole.first_s if chance.random() < WRITING_SHARE else 0.0
        yield chance.uniform(least_s, whole.seconds)


def try_all(arguments: argparse.Namespace, trial: Trial) -> None:
    """Every run that was asked for."""
    whole = trial.begin()
    chance = random.Random(arguments.seed)
    for moment_s in draw_moments(arguments.kills, whole, chance):
        ending = trial.workplace.run_until(moment_s, signal.SIGKILL)
        trial.judge("SIGKILL", ending, [0, -signal.SIGKILL], f"at {moment_s:.3f} s")
    for place, moment_s in enumerate(draw_moments(arguments.signals, whole, chance)):
        number = ASKING[place % len(ASKING)]
        ending = trial.workplace.run_until(moment_s, number)
        # Before the program's own handlers, and after them, Python's or the system's end it.
        allowed = [0, INTERRUPTED, -number]
        if number == signal.SIGINT:
            allowed.append(1)
        trial.judge(number.name, ending, allowed, f"at {moment_s:.3f} s")
    for _ in range(arguments.full):
        most = round(LARGEST_FULL ** chance.random())
        ending = trial.workplace.run_with_files_of(most)
        trial.judge("full disk", ending, [0, 1, 2], f"of {most} bytes")
    trial.finish()


def format_record(record: dict[str, Any]) -> str:
    """The record as a table, and what was broken."""
    ends = sorted({end for counted in record["endings"].values() for end in counted})
    rows = [
        [kind, *(counted.get(end, 0) for end in ends)]
        for kind, counted in record["endings"].items()
    ]
    told = (
        f"seed {record['seed']}: {len(record['broken'])} broken promises, "
        f"{record['left_beside']} files left beside by kills"
    )
    return "\n\n".join([format_table(["", *ends], rows), told, *record["broken"][:MOST_QUOTED]])


def measure(arguments: argparse.Namespace) -> None:
    """Run all, print a table on stdout, write the JSON record; raises for a broken promise."""
    check_writable(arguments.json)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        trial = Trial(Workplace(place, write_tiny_bundle(place / "bundle")))
        try_all(arguments, trial)
    record = {
        "seed": arguments.seed,
        "endings": {kind: dict(counted) for kind, counted in trial.endings.items()},
        "left_beside": trial.left_beside,
        "broken": trial.broken,
        **describe_measurement(arguments, "av"),
    }
    print(format_record(record))
    if arguments.json is not None:
        write_json(arguments.json, record)
    if trial.broken:
        raise MgcaError(f"{len(trial.broken)} promises were broken; see above")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
