"""What every output promises, and what it is given for each frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from runtime.sources.frame import Frame

if TYPE_CHECKING:
    from runtime.segment.result import Result


@dataclass
class SegmentedFrame:
    """A frame with its result. ``latency_ms`` has capture, preprocess, infer, postprocess, total.

    The overlay is drawn once, when the first output asks for it.
    """

    frame: Frame
    result: Result
    latency_ms: dict[str, float]
    _overlay_bgr: np.ndarray | None = field(default=None, repr=False)

    @property
    def overlay_bgr(self) -> np.ndarray:
        """The picture with the masks drawn over it, (height, width, 3) uint8."""
        if self._overlay_bgr is None:
            self._overlay_bgr = self.result.draw(self.frame.image_bgr)
        return self._overlay_bgr


class Sink(ABC):
    """An output. :meth:`check` runs before any work, :meth:`close` always and in any case."""

    @abstractmethod
    def check(self) -> None:
        """Raise ``UserError`` if the output could not be written; change nothing that exists."""

    @abstractmethod
    def write(self, item: SegmentedFrame) -> None:
        """Take one frame; raises ``MgcaError`` if it cannot be written."""

    @abstractmethod
    def close(self) -> None:
        """Finish the output so that it can be used; may be called twice."""

    def record(self) -> dict[str, Any] | None:
        """What was written, for the report; None if nothing was."""
        return None
