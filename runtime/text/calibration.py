"""The space that a bundle's own words span, and how close two different things come in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# A list of at least so many words spans a space of its own.
LEAST_WORDS = 8
LEAST_COSINE = 0.4

#: What a cosine in float32 may differ by from one machine, or shape of a product, to another.
ROUNDING = 1e-5

__all__ = ["Calibration", "calibrate", "closest_pair"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Names lie close together as all texts do; what they share is taken off here.

    Attributes:
        center: float (D,), the mean of the list's embeddings: what they share.
        bound: the largest cosine of two words of the list, which are different things, with the
            centre taken off. What is closer means the same.
    """

    center: np.ndarray
    bound: float

    def compare(self, ones: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, float]:
        """Cosines (n, m) of rows in this space, and the bound."""
        return self.apart(ones) @ self.apart(others).T, self.bound

    def apart(self, rows: np.ndarray) -> np.ndarray:
        """Rows with the centre taken off, L2-normalised."""
        import numpy as np

        moved = rows - self.center
        return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)


def calibrate(listed: np.ndarray) -> Calibration | None:
    """The calibration by a list's embeddings (n, D), None where the list is too short for one."""
    if len(listed) < LEAST_WORDS:
        return None
    space = Calibration(listed.mean(axis=0), 1.0)
    return replace(space, bound=max(LEAST_COSINE, closest_pair(space.apart(listed))))


def closest_pair(rows: np.ndarray) -> float:
    """The largest cosine of two of the rows, and as much as rounding may add to it.

    The pair itself must not be over it where its cosine comes out of a product of another shape.
    """
    between = rows @ rows.T
    between[range(len(rows)), range(len(rows))] = -1.0
    return float(between.max()) + ROUNDING
