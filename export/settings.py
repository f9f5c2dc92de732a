"""What a user asks of an export, parsed and checked as far as it can be without a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from export.graph.opset import DEFAULT_OPSET, HIGHEST_OPSET, LOWEST_OPSET
from export.graph.stages import PARTS, STAGES
from export.targets.device_jobs import DeviceJob
from export.text.encoder import TokenTable
from runtime.bundle import TemplateSet
from runtime.errors import UserError
from training.model.sliding import Sliding

PRECISIONS = ("fp32", "fp16", "int8", "int8-static")


@dataclass(frozen=True)
class ExportSettings:
    """One export.

    Attributes:
        out: the bundle's folder; that of the first precision.
        checkpoint: None: the newest run's, else the shipped demo's.
        training_free: no checkpoint, CLIP alone.
        clip: open_clip's name of it (training-free).
        pretrained: its weights: open_clip's tag or a local file (training-free).
        activation: what those were trained with, ``quickgelu`` or ``gelu``; None: as they say.
        tokenizer: the file of a text tower's own tokenizer (SigLIP's; training-free); None:
            Hugging Face's cache has it.
        dense: how CLIP's last block is read; None: as the checkpoint or the tower has it.
        edge_stages: False: a pair's decoder goes without its stages on fine grids.
        position_resize: how position embeddings come to another grid (training-free).
        precisions: some of ``PRECISIONS``, in the order in which they are built.
        size_wh: the frame's size in pixels; None: the checkpoint's own (twice a CLIP's native one
            when training-free).
        refine: what the scores of a pixel are read from: ``units``, ``pamr`` or ``none``.
        pamr_dilations: distances of PAMR's neighbors; None: TCL's.
        opset: the ONNX operator set.
        crop_wh: size of the windows that the graph sees a frame in; None: the frame as a whole.
        stride: between windows, in pixels; None: half the crop's shorter side.
        vocabulary: a file of names to store ready encoded; None: the model's own words.
        templates: what names are put into; None: the model's own.
        token_table: how the text encoder stores its token embeddings; None: the bundle carries no
            text encoder.
        store_weights: ``fp32``, or ``fp16`` or ``int16`` for files of half the size: what is
            computed in fp32 has its weights rounded so.
        calibration: a folder of images to measure on; None: the generated demo clip.
        frames: how many frames to measure on.
        min_agreement: share of labels to demand, 0 to 1; None: by precision.
        gate: ``labels`` or ``cosine``.
        keep_fp32: stages, or parts of them, that stay in fp32.
        auto_fallback: keep stages that fail the gate in fp32 instead of stopping.
        devices: what to do once the bundles stand.
    """

    out: Path
    checkpoint: Path | None = None
    training_free: bool = False
    clip: str = "ViT-B-16"
    pretrained: str = "openai"
    activation: str | None = None
    tokenizer: Path | None = None
    dense: str | None = None
    edge_stages: bool = True
    position_resize: str = "size"
    precisions: tuple[str, ...] = ("fp32",)
    size_wh: tuple[int, int] | None = None
    refine: str = "units"
    pamr_dilations: tuple[int, ...] | None = None
    opset: int = DEFAULT_OPSET
    crop_wh: tuple[int, int] | None = None
    stride: int | None = None
    vocabulary: Path | None = None
    templates: TemplateSet | None = None
    token_table: TokenTable | None = "int8"
    store_weights: str = "fp32"
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


def check_size(size_wh: tuple[int, int], patch: int) -> None:
    """Refuse a size that CLIP's patches do not tile, naming the nearest that they do."""
    if all(side % patch == 0 for side in size_wh):
        return
    near = "x".join(str(max(patch, round(side / patch) * patch)) for side in size_wh)
    raise UserError(
        f"--size {size_wh[0]}x{size_wh[1]}: this CLIP's patches are {patch} pixels wide, both "
        f"sides must be multiples of {patch}; the nearest such size is {near}"
    )


def choose_sliding(
    settings: ExportSettings, size_wh: tuple[int, int], patch: int
) -> Sliding | None:
    """The windows that a frame of this size is seen in; None: as a whole.

    Raises:
        UserError: windows that patches do not tile, that leave gaps or do not fit.
    """
    crop_wh = settings.crop_wh
    if crop_wh is None:
        return None
    what = f"--crop {crop_wh[0]}x{crop_wh[1]}"
    stride = settings.stride or max(patch, min(crop_wh) // 2 // patch * patch)
    if any(side % patch for side in (*crop_wh, stride)):
        raise UserError(
            f"{what} --stride {stride}: this CLIP's patches are {patch} pixels wide; crop and "
            f"stride must be multiples of {patch}"
        )
    if any(crop > side for crop, side in zip(crop_wh, size_wh, strict=True)):
        raise UserError(
            f"{what} is larger than the frame, {size_wh[0]}x{size_wh[1]}; give a larger --size or "
            "a smaller --crop"
        )
    if stride > min(crop_wh):
        raise UserError(f"{what} --stride {stride} leaves gaps; expected at most {min(crop_wh)}")
    return Sliding(size_wh, crop_wh, stride)


def parse_opset(text: str) -> int:
    """Parse and check the operator set's version."""
    if not text.isdecimal() or not LOWEST_OPSET <= int(text) <= HIGHEST_OPSET:
        raise UserError(f"--opset '{text}': expected {LOWEST_OPSET} to {HIGHEST_OPSET}")
    return int(text)
