"""Try the lean install on every Python this machine has: ``python -m tests.compat``.

For each supported Python, two clean environments: one with the newest and one with the oldest
versions that pyproject.toml allows. In each, the installed demo runs, then the runtime's fast
tests. The table is printed and written to docs/compatibility.md. Needs the standard library only.

Example:
    python3 -m tests.compat --python 3.10 --python 3.13 --keep
"""

from __future__ import annotations

import argparse
import datetime
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.compat.environment import (
    REPOSITORY,
    RESOLUTIONS,
    Outcome,
    StepError,
    Uv,
    run_step,
    try_environment,
)
from tests.compat.interpreters import find_interpreter, read_supported
from tests.compat.table import format_table, write_table
from tests.support.source_copy import copy_source

PAGE = REPOSITORY / "docs" / "compatibility.md"


def main() -> int:
    """Run all, print the table; 0 if nothing failed, 1 if something did, 2 if none could run."""
    supported = read_supported((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    arguments = _parse(supported)
    found = {version: find_interpreter(version) for version in arguments.python or supported}
    absent = [version for version, interpreter in found.items() if interpreter is None]
    for version in absent:
        _say(f"Python {version}: skipped, not found on the path, in pyenv or in /usr/bin")
    if len(absent) == len(found):
        _say("no supported Python was found; install one of " + ", ".join(supported))
        return 2
    folder = Path(tempfile.mkdtemp(prefix="mgca-compat-"))
    try:
        outcomes = _try_all(folder, found, arguments)
    except StepError as error:
        _say(f"{error.args[0]} failed:\n{error.args[1]}")
        return 1
    finally:
        if arguments.keep:
            _say(f"the environments were kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    table = format_table(outcomes, absent)
    print(table)
    if not arguments.python and len(arguments.resolution) == len(RESOLUTIONS):
        write_table(PAGE, table, _remark())
        _say(f"written to {PAGE.relative_to(REPOSITORY)}")
    return int(any(outcome.failed for outcome in outcomes))


def _parse(supported: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.compat",
        description=__doc__.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--python", action="append", choices=supported, help="only this version; may be repeated"
    )
    parser.add_argument(
        "--resolution", nargs="+", choices=RESOLUTIONS, default=list(RESOLUTIONS),
        help="newest, oldest or both (default)",
    )  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="leave the environments where they are")
    return parser.parse_args()


def _try_all(
    folder: Path, found: dict[str, str | None], arguments: argparse.Namespace
) -> list[Outcome]:
    """One environment after the other; each is removed before the next is made."""
    uv = Uv(folder / "uv")
    wheel = uv.build(copy_source(folder / "source"), folder / "wheel")
    outcomes = []
    for version, interpreter in found.items():
        for resolution in arguments.resolution if interpreter else ():
            started = time.monotonic()
            environment = folder / f"{version}-{resolution}"
            outcome = try_environment(uv, wheel, environment, interpreter, version, resolution)
            outcomes.append(outcome)
            _report(outcome, time.monotonic() - started)
            if not arguments.keep:
                shutil.rmtree(environment, ignore_errors=True)
    return outcomes


def _report(outcome: Outcome, took_s: float) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in outcome.versions.items())
    name = f"Python {outcome.python}, {outcome.resolution}"
    if outcome.failed is None:
        counts = f"{outcome.passed} tests passed, {outcome.skipped} skipped"
        _say(f"{name}: ok, {counts}, {took_s:.0f} s ({versions})")
    else:
        _say(f"{name}: {outcome.failed} failed ({versions})\n{outcome.detail}")


def _remark() -> str:
    """When, on what and at which commit it was run."""
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}"
    try:
        commit = run_step("git", ["git", "describe", "--always", "--dirty"]).strip()
    except (OSError, StepError):  # a source archive has no history
        commit = "unknown"
    return f"Run on {today} with `make test-compat` ({machine}, commit {commit})."


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
