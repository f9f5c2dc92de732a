"""One frame, two backends: do they say the same?

A backend that loads and answers may still answer wrongly (a fused operator, a half precision that
nobody asked for). So before ``auto`` takes one, its scores on a fixed frame are held against those
of ONNX Runtime on the CPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.bundle import Bundle

if TYPE_CHECKING:
    import numpy as np

# Grid pixels whose winner leads by less than this prove nothing: rounding may turn them.
CLEAR_MARGIN = 0.01
LEAST_AGREEMENT = 0.99
LARGEST_MEAN_DIFFERENCE = 0.005
# Backends that compute in less precision than the bundle says, whatever it says. They are held to
# what the export's gate asks of int8: over all frames, since rounding may carry two units over the
# threshold at which they merge, and then much of one frame turns.
LESS_PRECISE = ("openvino-bf16", "openvino-npu")
LEAST_AGREEMENT_LESS_PRECISE = 0.97
_WORDS = 20

__all__ = [
    "LEAST_AGREEMENT",
    "LEAST_AGREEMENT_LESS_PRECISE",
    "LESS_PRECISE",
    "Agreement",
    "agree_over_frames",
    "compare_outputs",
    "mean_of",
    "trial_feeds",
    "worst_of",
]


@dataclass(frozen=True)
class Agreement:
    """How two backends' scores agree on one frame.

    ``by_unit`` and ``by_pixel``: share of the clear grid pixels with the same winner, in [0, 1];
    ``mean_difference``: mean absolute difference of the pixel scores (cosines).
    """

    by_unit: float
    by_pixel: float
    mean_difference: float

    @property
    def passed(self) -> bool:
        """Whether it is good enough to be called the same model; NaN never is."""
        return (
            self.by_unit >= LEAST_AGREEMENT
            and self.by_pixel >= LEAST_AGREEMENT
            and self.mean_difference <= LARGEST_MEAN_DIFFERENCE
        )


def worst_of(agreements: Sequence[Agreement]) -> Agreement:
    """The worst of each figure over all frames."""
    return Agreement(
        min(one.by_unit for one in agreements),
        min(one.by_pixel for one in agreements),
        max(one.mean_difference for one in agreements),
    )


def mean_of(agreements: Sequence[Agreement]) -> Agreement:
    """The mean of each figure over all frames."""
    count = len(agreements)
    return Agreement(
        sum(one.by_unit for one in agreements) / count,
        sum(one.by_pixel for one in agreements) / count,
        sum(one.mean_difference for one in agreements) / count,
    )


def agree_over_frames(name: str, agreements: Sequence[Agreement]) -> bool:
    """Whether a backend does on some frames what its name promises.

    Each frame must pass. Of a backend of :data:`LESS_PRECISE`, the winners of all frames together
    must reach its own, lower limit; the bound on the cosines stands, in every frame.
    """
    if name not in LESS_PRECISE:
        return all(one.passed for one in agreements)
    mean = mean_of(agreements)
    return (
        mean.by_unit >= LEAST_AGREEMENT_LESS_PRECISE
        and mean.by_pixel >= LEAST_AGREEMENT_LESS_PRECISE
        and all(one.mean_difference <= LARGEST_MEAN_DIFFERENCE for one in agreements)
    )


def trial_feeds(bundle: Bundle) -> dict[str, np.ndarray]:
    """A fixed frame with edges, gradients and texture, and up to 20 of the vocabulary's rows."""
    import cv2
    import numpy as np

    width, height = bundle.manifest.input.size_wh
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    frame = np.stack([200 * (1 - down), 120 + 100 * across, 90 + 140 * down], axis=2)
    frame = np.ascontiguousarray(frame, dtype=np.float32)
    cv2.circle(frame, (width // 4, height // 3), height // 6, (220, 60, 40), -1)
    cv2.rectangle(
        frame, (width // 2, height // 2), (width * 4 // 5, height * 5 // 6), (40, 60, 200), -1
    )
    thickness = max(height // 20, 1)
    cv2.line(frame, (width // 8, height), (width // 2, height // 4), (240, 240, 60), thickness)
    frame += 12 * np.sin(across * width / 2)[..., None] * np.cos(down * height / 3)[..., None]
    pixels = frame.clip(0, 255).astype(np.uint8)[None]
    return {"frame": pixels, "text": bundle.vocabulary().embeddings[:_WORDS]}


def compare_outputs(
    found: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]
) -> Agreement:
    """Hold ``class_scores`` and ``pixel_scores`` of one backend against another's."""
    import numpy as np

    difference = np.abs(found["pixel_scores"] - reference["pixel_scores"]).mean()
    return Agreement(
        _agreement(found["class_scores"], reference["class_scores"]),
        _agreement(found["pixel_scores"], reference["pixel_scores"]),
        float(difference),
    )


def _agreement(found: np.ndarray, reference: np.ndarray) -> float:
    import numpy as np

    if not np.isfinite(found).all():
        return 0.0
    if reference.shape[1] < 2:
        return 1.0
    best = np.sort(reference, axis=1)[:, -2:]
    clear = best[:, 1] - best[:, 0] > CLEAR_MARGIN
    same = found.argmax(axis=1) == reference.argmax(axis=1)
    return float(same[clear].mean()) if clear.any() else 1.0
