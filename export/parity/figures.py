"""How close an exported graph is to the reference: what the gate and the manifest are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# In the order of the computation.
STAGES = ("encoder", "decoder", "units")


@dataclass(frozen=True)
class Farthest:
    """Where a stage's embeddings are farthest from the reference's.

    Attributes:
        frame: its name.
        row: on the stage's grid (the encoder's is of patches), from 0.
        column: likewise.
        max_abs: the largest difference of one component there.
    """

    frame: str
    row: int
    column: int
    max_abs: float


@dataclass(frozen=True)
class StageParity:
    """Cosines between the reference's and the graph's embeddings, one a patch or pixel.

    Attributes:
        mean: over all patches or pixels of all frames.
        p1: the first percentile.
        least: the lowest.
        farthest: where that is.
    """

    mean: float
    p1: float
    least: float
    farthest: Farthest


@dataclass(frozen=True)
class Parity:
    """How close one graph is to the reference.

    Attributes:
        precision: fp32, fp16, int8 or int8-static.
        frames: how many were compared.
        label_agreement: share of pixels at source resolution with the same label, all frames.
        worst_frame: the lowest agreement of a single frame.
        pixel_label_agreement: the same share for labels without units.
        median_margin: median over the grid of the reference's best minus second-best score.
        class_scores_max_abs: largest difference of ``class_scores``.
        pixel_scores_max_abs: largest difference of ``pixel_scores``.
        miou_reference: mIoU of the reference's labels (None without truth).
        miou: mIoU of the graph's labels (None without truth).
        stages: cosines by stage, in the order of the computation.
    """

    precision: str
    frames: int
    label_agreement: float
    worst_frame: float
    pixel_label_agreement: float
    median_margin: float
    class_scores_max_abs: float
    pixel_scores_max_abs: float
    miou_reference: float | None
    miou: float | None
    stages: Mapping[str, StageParity]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values, floats to seven digits."""
        return _rounded(asdict(self))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 7) if isinstance(value, float) else value
