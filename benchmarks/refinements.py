"""``python -m benchmarks.refinements``: what adaptive units and PAMR cost, beside the same graph
without either.

A CLIP of random weights is traced as ``python -m export --training-free --refine ...`` traces it,
or a checkpoint as its export does: costs depend on shapes alone. Time is that of the process on one
thread, so that other work on the machine does not count; the graphs take turns, ratios are taken
within a round, and of all rounds the median stands. FLOPs are the export's (matrix products and
convolutions, 2 a multiply-add).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.dense_methods import time_graphs
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from benchmarks.scoring.pamr import NACLIP_DILATIONS, TCL_DILATIONS
from runtime.command import CommandParser
from runtime.flag_values import size_wh, whole_number

if TYPE_CHECKING:
    from benchmarks.graph_cost import CostSubject
    from export.graph.staged_graph import StagedGraph

PROG = "python -m benchmarks.refinements"
_WORDS = 20
_BASE = "none"
# Distances of neighbors; None: adaptive units; of none there is no round.
REFINEMENTS: dict[str, tuple[int, ...] | None] = {
    _BASE: (),
    "units": None,
    "pamr 1,2,4,8,12,24": TCL_DILATIONS,
    "pamr 8,16": NACLIP_DILATIONS,
}


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure what adaptive units and PAMR cost in a graph; no weights are needed.",
        epilog=f"example:\n  {PROG} --clip ViT-B-16-quickgelu --size 336x336 --json costs.json",
    )
    add = parser.add_argument
    add("--clip", default="ViT-B-16-quickgelu", help="open_clip's model name (ViT-B-16-quickgelu)")
    add("--checkpoint", type=Path, help="a trained model instead, e.g. runs/demo/last.pt")
    add("--size", type=size_wh(16), help="of the frame (336x336, or the checkpoint's export size)")
    add("--rounds", type=whole_number(1), default=7, help="frames of each graph (7)")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def load_subject(arguments: argparse.Namespace) -> CostSubject:
    """The checkpoint, or CLIP alone with random weights; UserError where it is not there."""
    from benchmarks.graph_cost import CostSubject
    from export.settings import check_size
    from export.training_free import TRAINING_FREE_UNITS, ClipAlone
    from training.engine.checkpoint import load_checkpoint
    from training.model.clip import load_clip

    if arguments.checkpoint is not None:
        checkpoint = load_checkpoint(arguments.checkpoint)
        subject = CostSubject(
            model=checkpoint.model.eval(),
            units=checkpoint.config.units,
            space=checkpoint.unit_space,
            size_wh=arguments.size or checkpoint.config.export_size_wh,
        )
    else:
        subject = CostSubject(
            model=ClipAlone(load_clip(arguments.clip), None).eval(),  # type: ignore[arg-type]
            units=TRAINING_FREE_UNITS,
            space=None,
            size_wh=arguments.size or (336, 336),
        )
    check_size(subject.size_wh, subject.model.encoder.patch_size)
    return subject


def trace(subject: CostSubject, dilations: tuple[int, ...] | None, work: Path) -> StagedGraph:
    """The graph with one refinement."""
    from export.graph.segmenter import trace_segmenter
    from training.model.pamr import PamrSettings

    pamr = None
    if dilations is not None:
        pamr = PamrSettings(dilations=dilations) if dilations else PamrSettings(rounds=0)
    return trace_segmenter(
        subject.model, subject.units, subject.size_wh, 20, work, space=subject.space, pamr=pamr
    )


def count(graph: StagedGraph) -> dict[str, Any]:
    """Nodes, GFLOP of encoder and decoder, and GFLOP of what turns their pixels into scores."""
    from export.graph.cost import measure_cost

    costs = measure_cost(graph.model, graph.stages, {"K": _WORDS})
    seeing = sum(cost.flops for stage, cost in costs.items() if stage in ("encoder", "decoder"))
    return {
        "nodes": sum(cost.nodes for cost in costs.values()),
        "seeing_gflop": seeing / 1e9,
        "refining_gflop": (sum(cost.flops for cost in costs.values()) - seeing) / 1e9,
    }


def measure(arguments: argparse.Namespace) -> None:
    """Trace, time, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    import onnx

    subject = load_subject(arguments)
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for number, (name, dilations) in enumerate(REFINEMENTS.items()):
            graph = trace(subject, dilations, Path(folder))
            found[name] = count(graph)
            paths[name] = Path(folder) / f"{number}.onnx"
            onnx.save(graph.model, str(paths[name]))
        spent = time_graphs(paths, subject.size_wh, arguments.rounds)
    for name, record in found.items():
        ratios = [one / other for one, other in zip(spent[name], spent[_BASE], strict=True)]
        record["frame_ms"] = statistics.median(spent[name])
        record["to_none"] = statistics.median(ratios)
    head = ("refinement", "nodes", "encoder, decoder GFLOP", "beside GFLOP", "ms", "to none")
    print(format_table(head, [(name, *record.values()) for name, record in found.items()]))
    if arguments.json is not None:
        record = {
            "clip": None if arguments.checkpoint else arguments.clip,
            "size_wh": list(subject.size_wh),
            "words": _WORDS,
            "rounds": arguments.rounds,
            "refinements": found,
            **describe_measurement(arguments),
        }
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
