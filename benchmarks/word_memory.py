"""``python -m benchmarks.word_memory``: the peak of memory against the number of words.

Every number of words runs in a process of its own: the bundle is loaded, a few frames of noise are
segmented with that many random words, and the most memory the process has ever held is read. What
grows from the fewest words to the most is what the words cost.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from runtime import Segmenter
from runtime.bundle import load_bundle
from runtime.command import CommandParser
from runtime.demo import DEMO_BUNDLE
from runtime.errors import MgcaError, UserError
from runtime.stream.statistics import read_peak_rss_mib
from runtime.text.queries import MAX_WORDS, TextQueries

PROG = "python -m benchmarks.word_memory"
_FRAMES = 2


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure peak memory against the number of words, a process each.",
        epilog=f"example:\n  {PROG} --bundle bundles/mine --words 1,128,1024",
    )
    add = parser.add_argument
    add("--bundle", type=Path, help="folder made by python -m export (default: the demo's)")
    add("--words", default=f"1,128,256,{MAX_WORDS}", help="how many, separated by commas")
    add("--units", choices=("adaptive", "pixel"), default="adaptive")
    add("--backend", default="onnxruntime-cpu")
    add("--json", type=Path, help="write the figures to this file")
    add("--one", action="store_true", help=argparse.SUPPRESS)
    return parser


def run_once(arguments: argparse.Namespace, words: int) -> dict[str, float]:
    """Segment a few frames with so many words in this process; its peak in MiB."""
    with Segmenter.load(arguments.bundle, arguments.backend, threads=1) as segmenter:
        segmenter.units = arguments.units
        loaded = read_peak_rss_mib()
        segmenter.classes = random_queries(words, segmenter.manifest.embedding_width)
        frames = np.random.default_rng(0)
        for _ in range(_FRAMES):
            segmenter(frames.integers(0, 256, (480, 640, 3), dtype=np.uint8))
    peak = read_peak_rss_mib()
    if loaded is None or peak is None:
        raise MgcaError("this system does not say how much memory a process has held")
    return {"words": words, "loaded_mib": loaded, "peak_mib": peak}


def random_queries(words: int, width: int) -> TextQueries:
    """Words of random unit embeddings; what does not fit into 254 classes is background."""
    text = np.random.default_rng(words).standard_normal((words, width)).astype(np.float32)
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    text.setflags(write=False)
    names = tuple(f"word {number}" for number in range(words))
    labels = np.minimum(np.arange(words), 255).astype(np.uint8)
    labels[254:] = 255
    return TextQueries(names[:254], names[254:], names, text, labels)


def measure(arguments: argparse.Namespace) -> None:
    """Start a process for each number of words, print a table and write the JSON record."""
    if arguments.one:
        print(json.dumps(run_once(arguments, parse_words(arguments.words)[0])))
        return
    check_writable(arguments.json)
    found = [_in_own_process(arguments, words) for words in parse_words(arguments.words)]
    least = found[0]["peak_mib"]
    head = ("words", "loaded MiB", "peak MiB", "more than the first")
    print(
        format_table(
            head,
            [(one["words"], one["loaded_mib"], one["peak_mib"], one["peak_mib"] - least)
             for one in found],
        )
    )  # fmt: skip
    if arguments.json is not None:
        record: dict[str, Any] = {
            "bundle": load_bundle(arguments.bundle or DEMO_BUNDLE).id,
            "backend": arguments.backend,
            "units": arguments.units,
            "peaks": found,
            **describe_measurement(arguments),
        }
        write_json(arguments.json, record)


def parse_words(text: str) -> list[int]:
    """``1,128`` -> [1, 128]; raises :class:`UserError` for what no graph takes."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= MAX_WORDS for part in parts):
        raise UserError(f"--words '{text}': expected numbers from 1 to {MAX_WORDS}: 1,128,1024")
    return [int(part) for part in parts]


def _in_own_process(arguments: argparse.Namespace, words: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.word_memory", "--one", "--words", str(words)]
    command += ["--units", arguments.units, "--backend", arguments.backend]
    if arguments.bundle is not None:
        command += ["--bundle", str(arguments.bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MgcaError((done.stderr.strip().splitlines() or ["the process failed"])[-1])
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
