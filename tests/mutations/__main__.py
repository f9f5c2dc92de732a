"""Plant each fault in a copy of the sources and see that a test fails: exit 1 if one lives.

python -m tests.mutations [WORDS]      those whose file or change has these words; else all
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutations.catalog import MUTATIONS, Mutation

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("runtime", "training", "export", "benchmarks", "tests", "docs")
FILES = ("pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile")
# pytest's exit codes: some tests failed; a file could not be collected.
CAUGHT = (1, 2)
TIMEOUT_S = 900


def copy_sources(folder: Path) -> None:
    """What the tests read."""
    for name in PACKAGES:
        shutil.copytree(REPOSITORY / name, folder / name)
    for name in FILES:
        shutil.copy(REPOSITORY / name, folder / name)


def is_caught(mutation: Mutation, folder: Path) -> bool:
    """Whether its tests fail with it; they are stopped at the first failure."""
    path = folder / mutation.path
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace(mutation.old, mutation.new), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [*command, mutation.tests], cwd=folder, env=environment,
            capture_output=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    finally:
        path.write_text(whole, encoding="utf-8")
    return done.returncode in CAUGHT


def main(words: list[str]) -> int:
    """Try those asked for, a line each."""
    wanted = [one for one in MUTATIONS if all(word in one.title for word in words)]
    lived = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_sources(folder)
        for mutation in wanted:
            caught = is_caught(mutation, folder)
            lived += not caught
            print("caught" if caught else "LIVED ", mutation.title, flush=True)
    print(f"{len(wanted) - lived} of {len(wanted)} caught")
    return 1 if lived or not wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
