"""``python -m benchmarks.dense_methods``: what methods of dense features cost, beside the tower.

For each method a CLIP of random weights is traced as ``python -m export --training-free`` traces
it: costs depend on shapes alone. FLOPs are the export's (matrix products and convolutions, 2 a
multiply-add). Time is that of the process on one thread, so that other work on the machine does not
count; the methods take turns, and of all rounds the median is taken.
"""

from __future__ import annotations

import argparse
import statistics
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
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import size_wh, whole_number

PROG = "python -m benchmarks.dense_methods"
METHODS = ("tokens", "maskclip", "clearclip", "sclip", "naclip", "sc-clip", "sfp")
# What the others are compared with.
_BASE = "clearclip"
_WORDS = 20


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure what each method of dense features costs; no weights are needed.",
        epilog=f"example:\n  {PROG} --clip ViT-B-16 --size 336x336 --json costs.json",
    )
    add = parser.add_argument
    add("--clip", default="ViT-B-16-quickgelu", help="open_clip's model name (ViT-B-16-quickgelu)")
    add("--size", type=size_wh(16), default=(336, 336), help="of the frame (336x336)")
    add("--methods", default=",".join(METHODS), help="some of them, separated by commas (all)")
    add("--rounds", type=whole_number(1), default=7, help="frames of each method (7)")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def parse_methods(text: str) -> list[str]:
    """Names of methods, with what they are compared with among them; UserError for others."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in METHODS]
    if unknown or not names:
        raise UserError(f"--methods '{text}': expected some of {', '.join(METHODS)}")
    return list(dict.fromkeys([*names, _BASE]))


def write_graph(clip: Any, method: str, frame_wh: tuple[int, int], path: Path) -> dict[str, Any]:
    """Trace one method's graph into a file; returns its nodes and FLOPs.

    Raises:
        UserError: a size that the patches do not tile.
    """
    import onnx

    from export.graph.cost import measure_cost
    from export.graph.segmenter import trace_segmenter
    from export.settings import check_size
    from export.training_free import TRAINING_FREE_UNITS, ClipAlone

    model = ClipAlone(clip, method).eval()
    check_size(frame_wh, model.encoder.patch_size)
    graph = trace_segmenter(model, TRAINING_FREE_UNITS, frame_wh, 20, path.parent)
    onnx.save(graph.model, str(path))
    costs = measure_cost(graph.model, graph.stages, {"K": _WORDS})
    return {
        "nodes": sum(cost.nodes for cost in costs.values()),
        "encoder_gflop": costs["encoder"].flops / 1e9,
        "frame_gflop": sum(cost.flops for cost in costs.values()) / 1e9,
    }


def time_graphs(
    paths: dict[str, Path], frame_wh: tuple[int, int], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of the processor for each graph's frames, in turns, one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {
        name: onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for name, path in paths.items()
    }
    noise = np.random.default_rng(0)
    frame = noise.integers(0, 256, (1, frame_wh[1], frame_wh[0], 3), dtype=np.uint8)
    spent: dict[str, list[float]] = {name: [] for name in paths}
    for round_number in range(rounds + 1):
        for name, session in sessions.items():
            width = session.get_inputs()[1].shape[1]
            text = noise.standard_normal((_WORDS, width)).astype(np.float32)
            began = time.process_time()
            session.run(None, {"frame": frame, "text": text})
            if round_number:  # the first one warms up
                spent[name].append(1000 * (time.process_time() - began))
    return spent


def measure(arguments: argparse.Namespace) -> None:
    """Trace, time, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    names = parse_methods(arguments.methods)
    from training.model.clip import load_clip

    clip = load_clip(arguments.clip)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.onnx" for name in names}
        found = {name: write_graph(clip, name, arguments.size, paths[name]) for name in names}
        spent = time_graphs(paths, arguments.size, arguments.rounds)
    for name, record in found.items():
        # Ratios within a round: what slows the machine slows both.
        ratios = [one / other for one, other in zip(spent[name], spent[_BASE], strict=True)]
        record["frame_ms"] = statistics.median(spent[name])
        record["to_clearclip"] = statistics.median(ratios)
    head = ("method", "nodes", "encoder GFLOP", "frame GFLOP", "ms", "to clearclip")
    print(format_table(head, [(name, *record.values()) for name, record in found.items()]))
    if arguments.json is not None:
        record = {
            "clip": arguments.clip,
            "size_wh": arguments.size,
            "words": _WORDS,
            "rounds": arguments.rounds,
            "methods": found,
            **describe_measurement(arguments),
        }
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
