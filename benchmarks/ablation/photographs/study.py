"""What all trials of an ablation on photographs have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Study:
    """What all trials have in common.

    Attributes:
        captions: table of captions with the splits ``train`` and ``dev``.
        photographs: folder of photographs with masks (benchmarks.datasets.folder).
        camvid: folder of CamVid's clip; None: it is left out.
        work: where trials are kept.
        steps, batch: of each training.
    """

    captions: Path
    photographs: Path
    camvid: Path | None
    work: Path
    steps: int
    batch: int
