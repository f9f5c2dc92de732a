"""What every source gives: frames with their time, and one interface for all kinds of source."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from runtime.redaction import RedactingFilter

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("mgca.sources")
log.addFilter(RedactingFilter())  # also where a program of its own sets up the logging


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    ``image_bgr`` is (height, width, 3) uint8. ``index`` counts the source's own frames from 0,
    skipped and dropped ones included, so that results line up with the source. ``time_s`` is the
    time since the source's first frame. ``captured_at`` (``time.perf_counter``) is when work on
    this frame began, ``capture_ms`` how long reading, decoding and converting it took; waiting for
    a camera's next picture is not work and not counted. ``pixel_aspect`` is how much wider than
    high its pixels are to be shown; labels are of the stored pixels. ``path`` is the file of
    an image, None for a frame of something longer.
    """

    index: int
    time_s: float
    image_bgr: np.ndarray
    stem: str
    capture_ms: float
    captured_at: float
    pixel_aspect: Fraction = Fraction(1)
    path: str | None = None

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image_bgr.shape[1], self.image_bgr.shape[0]


class Source(ABC):
    """Where frames come from. Read by one thread; the counters may be read by any."""

    #: A word for reports: ``images``, ``video``, ``stream``, ``camera``, ``test-pattern``...
    kind: str = "source"
    #: A live source goes on without us: old frames are dropped rather than waited for.
    live: bool = False
    #: Nominal frames per second, None while unknown.
    fps: float | None = None
    #: How many frames there will be, None where that cannot be known.
    frame_count: int | None = None
    #: How much wider than high pixels are shown, for the report; frames say their own.
    pixel_aspect: Fraction = Fraction(1)

    def __init__(self, name: str) -> None:
        self.name = name
        self.reconnects = 0
        self.unreadable = 0
        #: Entries of folders that are no images.
        self.passed_over: list[str] = []
        #: For each unusual range of samples, such as ``"12 bits in 16"``, how many frames had it.
        self.values: dict[str, int] = {}
        self._warned: set[str] = set()
        #: Hears of changes of state: a kind, a text, further facts; set by the stream.
        self.on_event: Callable[[str, str, dict[str, Any]], None] | None = None
        #: Called for each packet that is read, which is a sign of life without a picture.
        self.on_life: Callable[[], None] = lambda: None

    def tell(self, kind: str, text: str, **facts: Any) -> None:
        """Tell the stream, if there is one, of a change of state; see :mod:`runtime.events`."""
        if self.on_event is not None:
            self.on_event(kind, text, facts)

    @property
    def hangs(self) -> bool:
        """Whether a thread of it is still in a read that nothing can end."""
        return False

    def warn_of_values(self, kind: str) -> None:
        """Say once for each unusual range of samples how it is read."""
        if kind not in self._warned:
            self._warned.add(kind)
            log.warning("%s: %s, brought to 8 bits; the report counts such frames", self.name, kind)

    def open(self) -> None:  # noqa: B027 - a live source connects later, in its reading thread
        """Check what can be checked before any work starts; raises ``UserError``."""

    @abstractmethod
    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Frames in order until the end, or until ``stop`` is set.

        Raises ``SourceGoneError`` when a live source stays away for too long and ``UserError``
        when nothing at all could be read.
        """

    def resume(self) -> None:  # noqa: B027 - only what is live goes on after a break
        """Go on in place of a source that had frames already and was lost."""

    def input_paths(self) -> list[str]:
        """Files that this source reads: no output may replace them."""
        return []

    def close(self) -> None:  # noqa: B027 - most sources hold nothing between two runs
        """Let go of what the source holds; may be called twice."""


def frame_stem(index: int) -> str:
    """The name of a video frame's label file, without the ending."""
    return f"{index:06d}"
