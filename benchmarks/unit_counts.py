"""``python -m benchmarks.unit_counts``: how many units encoders give, by either rule of merging.

One rule merges units whose cosine is at least 0.9 (``merge_cosine``), the other those that are near
for what the image has (``merge_spread``). Encoders: the shipped checkpoint, and CLIPs of random
weights as ``--training-free`` reads them. Each image's embeddings are taken as they are, and with
what sets them apart from their mean made a quarter and four times as large: encoders differ in
that far more than images do.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from runtime.command import CommandParser
from runtime.flag_values import whole_number

if TYPE_CHECKING:
    from torch import Tensor

PROG = "python -m benchmarks.unit_counts"
SCALES = (0.25, 1.0, 4.0)
_SIZE_WH = (224, 224)


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Count the units that encoders give; no weights are needed.",
        epilog=f"example:\n  {PROG} --clips ViT-B-32-quickgelu,ViT-B-16-quickgelu --frames 6",
    )
    add = parser.add_argument
    add(
        "--clips",
        default="ViT-B-32-quickgelu,ViT-B-16-quickgelu",
        help="open_clip's names, separated by commas (ViT-B-32-quickgelu,ViT-B-16-quickgelu)",
    )
    add("--frames", type=whole_number(1), default=4, help="of the demo clip (4)")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def set_apart(embeddings_dhw: Tensor, scale: float) -> Tensor:
    """Embeddings (d, h, w) of unit length whose distances from their mean are so many times as
    large, brought to unit length again.
    """
    from training.model.unit_length import normalize

    units_dhw = normalize(embeddings_dhw, dim=0)
    mean_d11 = units_dhw.mean((1, 2), keepdim=True)
    return normalize(mean_d11 + scale * (units_dhw - mean_d11), dim=0)


def count_units(embeddings_dhw: Tensor, colors_3hw: Tensor, merge_spread: float) -> int:
    """How many units of the default settings an image has."""
    from training.model.units import AdaptiveUnits, UnitSettings

    settings = dataclasses.replace(UnitSettings(), merge_spread=merge_spread)
    units = AdaptiveUnits(settings)(embeddings_dhw, colors_3hw)
    return int(units.slot_of_u.unique().numel())


def read_images(model: Any, size_wh: tuple[int, int], frames: int) -> list[tuple[Tensor, Tensor]]:
    """Pixel embeddings (d, h, w) and colors (3, h, w) of frames of the demo clip."""
    import cv2
    import torch

    from export.parity.frames import draw_demo_frames
    from training.model.clip import IMAGE_MEAN, IMAGE_STD
    from training.model.resample import shrink_to

    mean, std = (torch.tensor(rgb).reshape(1, 3, 1, 1) for rgb in (IMAGE_MEAN, IMAGE_STD))
    found = []
    for frame in draw_demo_frames(frames, lambda steps, _: steps):
        image = cv2.resize(frame.image_hw3, size_wh, interpolation=cv2.INTER_AREA)
        colors = torch.from_numpy(image)[None].permute(0, 3, 1, 2).float() / 255
        images = (colors - mean) / std
        embeddings = model.decoder(model.encoder(images), images)[0]
        found.append((embeddings, shrink_to(colors, tuple(embeddings.shape[1:]))[0]))
    return found


def open_encoders(clips: Sequence[str]) -> dict[str, Callable[[], tuple[Any, tuple[int, int]]]]:
    """By name, what loads a model with ``encoder`` and ``decoder``, and the size of its frames."""
    from export.source import SHIPPED_CHECKPOINT
    from export.training_free import ClipAlone
    from training.engine.checkpoint import load_checkpoint
    from training.model.clip import load_clip

    def shipped() -> tuple[Any, tuple[int, int]]:
        checkpoint = load_checkpoint(SHIPPED_CHECKPOINT)
        return checkpoint.model.eval(), checkpoint.config.export_size_wh

    def alone(name: str) -> Callable[[], tuple[Any, tuple[int, int]]]:
        return lambda: (ClipAlone(load_clip(name), None).eval(), _SIZE_WH)

    return {"the shipped model": shipped, **{f"{name}, random": alone(name) for name in clips}}


def measure(arguments: argparse.Namespace) -> None:
    """Count, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    import torch

    from export.training_free import TRAINING_FREE_UNITS

    torch.manual_seed(0)
    names = [name.strip() for name in arguments.clips.split(",") if name.strip()]
    rows: list[tuple[str, float, float, float]] = []
    with torch.inference_mode():
        for encoder, load in open_encoders(names).items():
            images = read_images(*load(), arguments.frames)
            for scale in SCALES:
                by_cosine, by_spread = (
                    statistics.mean(
                        count_units(set_apart(embeddings, scale), colors, spread)
                        for embeddings, colors in images
                    )
                    for spread in (0.0, TRAINING_FREE_UNITS.merge_spread)
                )
                rows.append((encoder, scale, by_cosine, by_spread))
    head = ("encoder", "scale", "by cosine", "by spread")
    print(format_table(head, rows))
    if arguments.json is not None:
        keys = ("encoder", "scale", "units_by_cosine", "units_by_spread")
        record = {
            "units": [dict(zip(keys, row, strict=True)) for row in rows],
            "settings": dataclasses.asdict(TRAINING_FREE_UNITS),
            **describe_measurement(arguments),
        }
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
