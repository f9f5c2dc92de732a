"""Whether a CLIP can be exported at all: its kind, its files, its memory; asked before any work."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from export.settings import ExportSettings
from export.text.encoder import check_text_tower, text_part
from export.text.own_tokenizer import find_tokenizer
from runtime.errors import UserError
from training.model.clip import is_file, register_configs
from training.model.obstacles import check_name, refuse_obstacles, sketch_clip

# One ONNX file is one protobuf message, which holds 2 GiB; nodes and shapes take some of it.
LARGEST_FILE_BYTES = 2**31 - 2**26
# What an export takes at its largest, in sizes of the whole model's fp32 weights; a gigabyte that
# every export takes is not counted (docs/training-free.md has what was measured).
MEMORY_FACTOR = 6.0
_LEFT_OF_TABLE = {"fp32": 4.0, "fp16": 2.0, "int8": 1.1}
_MEMINFO = Path("/proc/meminfo")

__all__ = ["check_fit"]


def check_fit(settings: ExportSettings) -> None:
    """See that the CLIP of a training-free export can be read, written and held.

    Raises:
        UserError: it cannot, naming the reason.
    """
    name = settings.clip
    register_configs()
    check_name(name)
    refuse_obstacles(name, any_tower=True)
    model = sketch_clip(name)
    check_text_tower(model)
    from_file = is_file(name, settings.pretrained)
    find_tokenizer(name, settings.tokenizer, fetches=not from_file)
    _check_file(name, "image tower", _bytes(model.visual), "a smaller model")  # type: ignore[arg-type]
    if settings.token_table is not None:
        text = text_part(model)
        table = text.token_embedding.weight.numel()  # type: ignore[union-attr, operator]
        stored = round(table * _LEFT_OF_TABLE[settings.token_table])
        rest = _text_bytes(model) - 4 * table
        _check_file(name, "text tower", rest + stored, "--no-text-encoder, or a smaller model")
    _check_memory(name, _bytes(model))


def _check_file(name: str, tower: str, size: int, remedy: str) -> None:
    if size > LARGEST_FILE_BYTES:
        raise UserError(
            f"CLIP model '{name}': its {tower} takes {size / 2**30:.1f} GiB in fp32, and one ONNX "
            f"file holds {LARGEST_FILE_BYTES / 2**30:.1f}; expected {remedy}"
        )


def _check_memory(name: str, size: int) -> None:
    needed, free = MEMORY_FACTOR * size, _free_memory()
    if free is not None and needed > free:
        raise UserError(
            f"CLIP model '{name}': its export takes about {needed / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} are free; expected a smaller model or a larger machine"
        )


def _free_memory() -> int | None:
    """Bytes that could be had now; None where the system does not say."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _text_bytes(model: nn.Module) -> int:
    return _bytes(model) - _bytes(model.visual)  # type: ignore[arg-type]


def _bytes(module: nn.Module) -> int:
    """Of the weights in fp32."""
    return 4 * sum(weight.numel() for weight in module.parameters())
