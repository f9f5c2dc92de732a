"""``python -m benchmarks.graph_cost``: nodes, weight bytes and FLOPs of each stage of a graph.

The graph is traced, as an export traces it, from a CLIP of random weights with a decoder and units
of the default settings: costs depend on shapes alone, so no weights are needed. Or from a
checkpoint, with its own decoder, units and input size. FLOPs are counted
as the export counts them (:mod:`export.graph.cost`: matrix products and convolutions, 2 a
multiply-add).
``labelling`` is what the runtime does with the scores afterwards, counted as its definition says
it (every word's scores enlarged to the source and compared: 7 operations a pixel and word), an
upper bound, since the runtime leaves out what cannot win.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import size_wh, whole_number

if TYPE_CHECKING:
    from training.model.mgca import MgcaModel
    from training.model.unit_space import UnitSpace
    from training.model.units import UnitSettings

PROG = "python -m benchmarks.graph_cost"
# Two linear interpolations (3 operations each) and a comparison.
_LABELLING_FLOPS = 7


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Count what a segmenter's graph costs, stage by stage; no weights are needed.",
        epilog=(
            f"examples:\n  {PROG} --clip ViT-B-16 --size 448x448 --json cost.json\n"
            f"  {PROG} --checkpoint runs/demo/last.pt"
        ),
    )
    add = parser.add_argument
    add("--clip", help="open_clip's model name (ViT-B-16)")
    add("--checkpoint", type=Path, help="a trained model instead, e.g. runs/demo/last.pt")
    add("--size", type=size_wh(16), help="of the frame (448x448, or the checkpoint's export size)")
    add("--words", type=whole_number(1), default=20, help="K (20)")
    add("--seeds", type=whole_number(1), help="of the units (64, or the checkpoint's)")
    add("--rounds", type=whole_number(1), help="of the units (3, or the checkpoint's)")
    add("--source", type=size_wh(16), default=(1920, 1080), help="frame to label (1920x1080)")
    add("--opset", type=whole_number(1), default=20, help="ONNX operator set (20)")
    add("--json", type=Path, help="write the figures to this file")
    return parser


@dataclass(frozen=True, kw_only=True)
class CostSubject:
    """What is traced.

    Attributes:
        model: has an ``encoder`` and a ``decoder``.
        units: unit settings.
        space: where pixels gather into units, or None.
        size_wh: of the frame.
    """

    model: MgcaModel
    units: UnitSettings
    space: UnitSpace | None
    size_wh: tuple[int, int]


def load_subject(arguments: argparse.Namespace) -> CostSubject:
    """The checkpoint, or a CLIP of random weights with an untrained decoder.

    Raises:
        UserError: no such checkpoint, a CLIP that is not known, both of them.
    """
    from training.engine.checkpoint import load_checkpoint
    from training.model.clip import load_clip
    from training.model.mgca import MgcaModel, ModelConfig
    from training.model.units import UnitSettings

    wanted = {"seeds": arguments.seeds, "rounds": arguments.rounds}
    chosen = {name: value for name, value in wanted.items() if value is not None}
    if arguments.checkpoint is not None:
        if arguments.clip is not None:
            raise UserError(
                "--clip and --checkpoint were given; expected one of them: a checkpoint names its "
                "own CLIP"
            )
        checkpoint = load_checkpoint(arguments.checkpoint)
        return CostSubject(
            model=checkpoint.model,
            units=dataclasses.replace(checkpoint.config.units, **chosen),
            space=checkpoint.unit_space,
            size_wh=arguments.size or checkpoint.config.export_size_wh,
        )
    name = arguments.clip or "ViT-B-16"
    return CostSubject(
        model=MgcaModel(load_clip(name), ModelConfig(clip_name=name)).eval(),
        units=UnitSettings(**chosen),
        space=None,
        size_wh=arguments.size or (448, 448),
    )


def count_stages(subject: CostSubject, words: int, opset: int = 20) -> dict[str, dict[str, int]]:
    """Trace the graph and count: stage name to nodes, weight bytes and FLOPs.

    Raises:
        UserError: a size that the patches do not tile.
    """
    from export.graph.cost import measure_cost
    from export.graph.segmenter import trace_segmenter
    from export.settings import check_size

    check_size(subject.size_wh, subject.model.encoder.patch_size)
    with tempfile.TemporaryDirectory() as folder:
        graph = trace_segmenter(
            subject.model,
            subject.units,
            subject.size_wh,
            opset,
            Path(folder),
            space=subject.space,
        )
    costs = measure_cost(graph.model, graph.stages, {"K": words})
    return {stage: cost.to_json() for stage, cost in costs.items()}


def summarise(
    stages: dict[str, dict[str, int]], words: int, source_wh: tuple[int, int]
) -> dict[str, Any]:
    """Add labelling to the stages, and the share of everything beside the encoder.

    Args:
        stages: what :func:`count_stages` gives.
        words: K.
        source_wh: size of the frame that is labelled.
    """
    labelling = _LABELLING_FLOPS * words * source_wh[0] * source_wh[1]
    every = {**stages, "labelling": {"nodes": 0, "weight_bytes": 0, "flops": labelling}}
    beside = sum(cost["flops"] for stage, cost in every.items() if stage != "encoder")
    return {
        "stages": every,
        "nodes": sum(cost["nodes"] for cost in every.values()),
        "weight_bytes": sum(cost["weight_bytes"] for cost in every.values()),
        "share_beside_encoder": beside / every["encoder"]["flops"],
    }


def measure(arguments: argparse.Namespace) -> None:
    """Count, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    subject = load_subject(arguments)
    stages = count_stages(subject, arguments.words, arguments.opset)
    found = summarise(stages, arguments.words, arguments.source)
    rows = [
        (stage, cost["nodes"], cost["weight_bytes"] / 2**20, cost["flops"] / 1e9)
        for stage, cost in found["stages"].items()
    ]
    print(format_table(("stage", "nodes", "weights MiB", "GFLOP"), rows))
    print(f"beside the encoder: {found['share_beside_encoder']:.1%} of its FLOPs")
    if arguments.json is not None:
        record = {
            "clip": subject.model.config.clip_name,
            "size_wh": subject.size_wh,
            "words": arguments.words,
            "units": dataclasses.asdict(subject.units),
            "source_wh": arguments.source,
            **found,
            **describe_measurement(arguments),
        }
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
