"""``python -m benchmarks.encoders``: open_clip's encoders at their true sizes, from end to end.

Each is given random weights, exported by ``python -m export --training-free`` in a process of its
own, and run: what an export takes, what it leaves, how far it is from the plain reference, and how
long a frame takes. Weights are drawn, never fetched; SigLIP's towers get a tokenizer of letters.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from benchmarks.stand_in_tokenizer import write_tokenizer
from runtime import Segmenter
from runtime.command import CommandParser
from runtime.errors import MgcaError, UserError
from runtime.flag_values import whole_number

PROG = "python -m benchmarks.encoders"
CLIPS = ("ViT-B-16-quickgelu", "EVA02-B-16", "ViT-B-16-SigLIP", "PE-Core-B-16", "ViT-L-14-336")
WORDS = ("sky", "road", "car", "tree", "person", "cat")
_COLUMNS = (
    *("dense", "size_wh", "image_millions", "text_millions", "export_s", "peak_gib"),
    *("bundle_mib", "max_abs", "least_cosine", "frame_ms"),
)

__all__ = ["build_parser", "main"]


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Export encoders of random weights at their true sizes, and run them.",
        epilog=f"example:\n  {PROG} --clips EVA02-B-16,ViT-B-16-SigLIP --json encoders.json",
    )
    add = parser.add_argument
    add("--clips", default=",".join(CLIPS), help="open_clip's names, separated by commas")
    add("--rounds", type=whole_number(1), default=5, help="frames that are timed (5)")
    add("--no-text-encoder", action="store_true", help="leave the text tower out of the bundles")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def measure_encoder(name: str, rounds: int, more: Sequence[str]) -> dict[str, Any]:
    """Export and run one encoder.

    Raises:
        UserError: it cannot be exported.
        MgcaError: its export failed.
    """
    from training.model.clip import register_configs
    from training.model.obstacles import check_name, sketch_clip

    register_configs()
    check_name(name)
    model = sketch_clip(name)
    seeing = sum(weight.numel() for weight in model.visual.parameters())  # type: ignore[union-attr]
    whole = sum(weight.numel() for weight in model.parameters())
    width, height = _native_wh(model.visual)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        flags = _prepare(name, work, (width, height))
        started = time.perf_counter()
        peak_bytes = _export([*flags, *more])
        export_s = time.perf_counter() - started
        bundle = work / "bundle"
        size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
        with Segmenter.load(bundle, "onnxruntime-cpu", threads=1) as segmenter:
            parity = segmenter.manifest.parity["stages"]["encoder"]
            dense = segmenter.manifest.clip.dense
            frame_ms = _time_frames(segmenter, (height, width), rounds)
    return {
        "dense": dense,
        "size_wh": [width, height],
        "image_millions": seeing / 1e6,
        "text_millions": (whole - seeing) / 1e6,
        "export_s": export_s,
        "peak_gib": peak_bytes / 2**30,
        "bundle_mib": size / 2**20,
        "max_abs": parity["farthest"]["max_abs"],
        "least_cosine": parity["least"],
        "frame_ms": frame_ms,
    }


def _native_wh(visual: Any) -> tuple[int, int]:
    size = visual.image_size
    height, width = size if isinstance(size, tuple | list) else (size, size)
    return int(width), int(height)


def _prepare(name: str, work: Path, size_wh: tuple[int, int]) -> list[str]:
    """Draw the weights in a process that gives its memory back; the export's flags."""
    draw = (
        "import sys, torch; from training.model.clip import load_clip; torch.manual_seed(0); "
        "torch.save(load_clip(sys.argv[1], None, any_tower=True).state_dict(), sys.argv[2])"
    )
    _run([sys.executable, "-c", draw, name, str(work / "weights.pt")])
    from export.text.own_tokenizer import own_tokenizer_name
    from training.model.activation import activation_of_name

    (work / "words.txt").write_text("\n".join(WORDS) + "\n")
    flags = [
        "--training-free", "--clip", name, "--pretrained", str(work / "weights.pt"),
        "--activation", activation_of_name(name), "--size", f"{size_wh[0]}x{size_wh[1]}",
        "--gate", "cosine", "--frames", "1", "--vocabulary", str(work / "words.txt"),
        "--out", str(work / "bundle"),
    ]  # fmt: skip
    if own_tokenizer_name(name) is not None:
        write_tokenizer(work / "tokenizer.json")
        flags += ["--tokenizer", str(work / "tokenizer.json")]
    return flags


def _export(flags: Sequence[str]) -> int:
    """Run the export; gives the most memory that it held, in bytes."""
    return _run([sys.executable, "-m", "export", *flags])


def _run(command: Sequence[str]) -> int:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = process.stderr.read().strip().splitlines()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        error = UserError if process.returncode == UserError.exit_code else MgcaError
        raise error(said[-1] if said else f"{command[:3]} ended with {process.returncode}")
    return usage.ru_maxrss * 1024


def _time_frames(segmenter: Segmenter, size_hw: tuple[int, int], rounds: int) -> float:
    """Milliseconds of the processor that the median frame takes, one thread."""
    segmenter.set_classes(list(WORDS), background="none", allow_unknown=True)
    frame_bgr = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    spent = []
    for _ in range(rounds + 1):
        began = time.process_time()
        segmenter(frame_bgr)
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent[1:])  # the first one warms up


def measure(arguments: argparse.Namespace) -> None:
    """Export and run each, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    more = ["--no-text-encoder"] if arguments.no_text_encoder else []
    found = {}
    for name in (name.strip() for name in arguments.clips.split(",") if name.strip()):
        print(f"{name}: exporting", file=sys.stderr, flush=True)
        found[name] = measure_encoder(name, arguments.rounds, more)
        if arguments.json is not None:  # each takes minutes: what is done stays
            record = {"rounds": arguments.rounds, "encoders": found}
            write_json(arguments.json, {**record, **describe_measurement(arguments)})
    rows = [
        [name, *("x".join(map(str, value)) if isinstance(value, list) else value for value in
                 (record[column] for column in _COLUMNS))]
        for name, record in found.items()
    ]  # fmt: skip
    print(format_table(["encoder", *_COLUMNS], rows))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
