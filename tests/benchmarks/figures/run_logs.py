"""Lines of a run's metrics.jsonl."""

from __future__ import annotations

import json
from pathlib import Path

PRETRAIN = {"phase": "pretrain", "step": 10, "caption": 4.0, "loss": 5.0, "accuracy": 0.1}
MGCA = {"phase": "mgca", "step": 10, "object": 1.5, "loss": 2.5, "images_s": 80.0}
EVALUATION = {
    "phase": "mgca",
    "step": 0,
    "evaluation": "CLIP's own dense features",
    "miou_adaptive": 0.25,
    "miou_pixel": 0.2,
    "iou": {"sky": 0.5},
}


def write_lines(path: Path, *records: object) -> Path:
    """Write a log with a record a line, its folder too; gives the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
