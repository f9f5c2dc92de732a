"""What an engine is built for: words, precision, memory, and how far it may travel."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from runtime.backends.cuda import Gpu
from runtime.backends.tensorrt.cache import EngineKey
from runtime.bundle import SEGMENTER_FILE, Bundle
from runtime.errors import UserError

Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")
TEXT_INPUT = "text"

__all__ = ["PRECISIONS", "TEXT_INPUT", "EngineSettings", "Precision", "engine_key"]


@dataclass(frozen=True)
class EngineSettings:
    """How an engine is built.

    Attributes:
        words: least, usual and largest number of text rows; the engine is fastest at the usual.
        workspace_bytes: the most memory that a layer may take for itself; None for half of what
            is free when the build begins.
        version_compatible: also runs with later TensorRT versions and the lean runtime.
        exclude_lean_runtime: leave the lean runtime out of a version-compatible plan.
        optimization_level: 0 (quick build) to 5; None for TensorRT's own default.
        tf32: let matrix products of an fp32 graph round to TF32.
    """

    words: tuple[int, int, int] = (1, 64, 1024)
    workspace_bytes: int | None = None
    version_compatible: bool = False
    exclude_lean_runtime: bool = False
    optimization_level: int | None = None
    tf32: bool = False

    def __post_init__(self) -> None:
        least, usual, most = self.words
        if not 1 <= least <= usual <= most:
            raise UserError(f"words are {self.words}; expected 1 <= least <= usual <= largest")
        if self.optimization_level is not None and not 0 <= self.optimization_level <= 5:
            raise UserError(f"optimization level is {self.optimization_level}; expected 0 to 5")
        if self.exclude_lean_runtime and not self.version_compatible:
            raise UserError("an engine without the lean runtime must be version compatible")

    def to_json(self) -> dict[str, Any]:
        """The settings as a sidecar keeps them."""
        return {**asdict(self), "words": list(self.words)}

    @classmethod
    def from_json(cls, record: object) -> EngineSettings:
        """Settings out of a sidecar; the defaults for what is no settings of ours."""
        try:
            assert isinstance(record, dict)
            least, usual, most = record["words"]
            return cls(**{**record, "words": (least, usual, most)})
        except (AssertionError, KeyError, TypeError, ValueError, UserError):
            return cls()


def engine_key(
    bundle: Bundle, gpu: Gpu, tensorrt_version: str, settings: EngineSettings | None = None
) -> EngineKey:
    """The key of a bundle's engine on this GPU with this TensorRT."""
    width = bundle.manifest.embedding_width
    least, usual, most = (settings or EngineSettings()).words
    return EngineKey(
        onnx_sha256=bundle.graph_sha256(SEGMENTER_FILE),
        tensorrt=tensorrt_version,
        gpu=gpu.name,
        compute_capability=gpu.compute_capability,
        precision=bundle.manifest.precision,
        shapes={TEXT_INPUT: ((least, width), (usual, width), (most, width))},
    )
