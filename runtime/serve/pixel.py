"""What stands behind one pixel: its class, its unit and where that lies, the nearest words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from runtime.segment.result import Result

TOP_WORDS = 6
MOST_POINTS = 2000
#: An outline runs between grid points: the grid is enlarged so far to find it.
ENLARGED = 4

__all__ = ["describe_pixel"]


def describe_pixel(result: Result, x: float, y: float) -> dict[str, Any]:
    """The pixel at ``x``, ``y`` in [0, 1) of width and height, as a record of plain values."""
    import numpy as np

    height, width = result.labels.shape
    label = int(result.labels[int(y * height), int(x * width)])
    rows, columns = result.grid_scores.shape[1:]
    row, column = int(y * rows), int(x * columns)
    scores = np.asarray(result.grid_scores[:, row : row + 1])[:, 0, column].astype(np.float64)
    logits = scores * result.logit_scale
    chances = np.exp(logits - logits.max())
    chances /= chances.sum()
    names = result.class_names
    words = [
        {
            "word": result.words[at],
            "class": names[owner] if (owner := int(result.label_of_row[at])) < len(names) else None,
            "similarity": round(float(scores[at]), 4),
            "probability": round(float(chances[at]), 4),
        }
        for at in np.argsort(-scores, kind="stable")[:TOP_WORDS]
    ]
    unit = None if result.units is None else int(result.units[row, column])
    return {
        "x": x,
        "y": y,
        "class": names[label] if label < len(names) else None,
        "unit": unit,
        "outline": [] if result.units is None else outline(result.units == unit),
        "words": words,
    }


def outline(mask: np.ndarray) -> list[list[list[float]]]:
    """The rims of a mask bool (h, w): polygons of points [x, y] in [0, 1]."""
    import cv2
    import numpy as np

    large = np.kron(mask.astype(np.uint8), np.ones((ENLARGED, ENLARGED), np.uint8))
    found, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    height, width = large.shape
    polygons, points = [], 0
    for contour in sorted(found, key=len, reverse=True):
        points += len(contour)
        if points > MOST_POINTS:
            break
        corners = (contour.reshape(-1, 2) + 0.5) / (width, height)
        polygons.append(np.round(corners, 4).tolist())
    return polygons
