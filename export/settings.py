"""What a user asks of an export, parsed and checked as far as it can be without a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from export.graph.stages import PARTS, STAGES
from export.graph.tracing import DEFAULT_OPSET, HIGHEST_OPSET, LOWEST_OPSET
from export.targets.device_jobs import DeviceJob
from export.text.encoder import TokenTable
from runtime.errors import UserError

PRECISIONS = ("fp32", "fp16", "int8", "int8-static")
LARGEST_SIDE = 4096


@dataclass(frozen=True)
class ExportSettings:
    """One export.

    ``size_wh`` None means the checkpoint's own size (a CLIP's native one when training-free);
    ``min_agreement`` None means the default threshold of each precision; ``devices`` is what to do
    once the bundles stand.
    """

    out: Path
    checkpoint: Path | None = None
    training_free: bool = False
    clip: str = "ViT-B-16"
    pretrained: str = "openai"
    dense: str | None = None
    precisions: tuple[str, ...] = ("fp32",)
    size_wh: tuple[int, int] | None = None
    opset: int = DEFAULT_OPSET
    vocabulary: Path | None = None
    token_table: TokenTable = "int8"
    text_encoder: bool = True
    calibration: Path | None = None
    frames: int = 12
    min_agreement: float | None = None
    gate: str = "labels"
    keep_fp32: tuple[str, ...] = ()
    auto_fallback: bool = False
    devices: DeviceJob = field(default_factory=DeviceJob)


def parse_precisions(text: str) -> tuple[str, ...]:
    """Parse ``fp32,fp16,int8``: known names, none twice, at least one."""
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in PRECISIONS]
    if not names or unknown or len(set(names)) != len(names):
        raise UserError(
            f"--precision '{text}': expected some of {', '.join(PRECISIONS)}, each once, "
            "separated by commas, such as fp32,int8"
        )
    return names


def parse_stages(text: str) -> tuple[str, ...]:
    """Parse ``--keep-fp32 encoder,units``: names of stages."""
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in (*STAGES, *PARTS)]
    if not names or unknown:
        raise UserError(
            f"--keep-fp32 '{text}': expected some of {', '.join((*STAGES, *PARTS))}, separated by "
            "commas"
        )
    return names


def parse_size(text: str) -> tuple[int, int]:
    """Parse ``640x352`` into (width, height)."""
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise UserError(f"--size '{text}': expected WIDTHxHEIGHT in pixels, such as 640x352")
    size_wh = int(width), int(height)
    if not all(0 < side <= LARGEST_SIDE for side in size_wh):
        raise UserError(f"--size '{text}': each side must be 1 to {LARGEST_SIDE} pixels")
    return size_wh


def check_size(size_wh: tuple[int, int], patch: int) -> None:
    """Refuse a size that CLIP's patches do not tile, naming the nearest that they do."""
    if all(side % patch == 0 for side in size_wh):
        return
    near = "x".join(str(max(patch, round(side / patch) * patch)) for side in size_wh)
    raise UserError(
        f"--size {size_wh[0]}x{size_wh[1]}: this CLIP's patches are {patch} pixels wide, both "
        f"sides must be multiples of {patch}; the nearest such size is {near}"
    )


def parse_opset(text: str) -> int:
    """Parse and check the operator set's version."""
    if not text.isdecimal() or not LOWEST_OPSET <= int(text) <= HIGHEST_OPSET:
        raise UserError(f"--opset '{text}': expected {LOWEST_OPSET} to {HIGHEST_OPSET}")
    return int(text)


def parse_token_table(text: str) -> TokenTable:
    """Parse how the text encoder stores its token table."""
    for name in get_args(TokenTable):
        if text == name:
            return name
    raise UserError(f"--token-table '{text}': expected one of {', '.join(get_args(TokenTable))}")
