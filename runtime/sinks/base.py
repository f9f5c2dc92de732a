"""What every output promises, and what it is given for each frame."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from runtime.draw.style import DrawingStyle

if TYPE_CHECKING:
    import numpy as np

    from runtime.events import Event
    from runtime.objects.tracker import TrackedObject
    from runtime.segment.result import Result
    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Frame, Source
    from runtime.stream.stream import Stream

__all__ = ["RunFacts", "SegmentedFrame", "Sink"]


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run once its model stands, before its first frame.

    Attributes:
        class_names: the classes, in label order.
        background: the words that compete with them.
        bundle_id: the model's name and content, as in the report.
        command: the command line, without secrets; empty for a run from Python.
        stream: the name of the stream that the sink belongs to; empty for a run from Python.
        several: whether the run has other streams beside it.
    """

    class_names: tuple[str, ...]
    background: tuple[str, ...]
    bundle_id: str
    command: str = ""
    stream: str = ""
    several: bool = False


@dataclass
class SegmentedFrame:
    """A frame with its result, as all sinks of a stream see it.

    Attributes:
        frame: the picture, with its number and time.
        result: its labels and areas.
        latency_ms: milliseconds of capture, preprocess, infer, postprocess and total.
        style: colors and opacity of the stream.
        objects: the things of its classes, tracked over time; empty where no sink wants them.
    """

    frame: Frame
    result: Result
    latency_ms: dict[str, float]
    style: DrawingStyle = field(default_factory=DrawingStyle)
    objects: tuple[TrackedObject, ...] = ()
    _overlay_bgr: np.ndarray | None = field(default=None, repr=False)
    _drawing: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def overlay_bgr(self) -> np.ndarray:
        """The picture with the masks drawn over it, uint8 (H, W, 3) BGR; not to be written to.

        Drawn once, when the first sink asks for it.
        """
        with self._drawing:
            if self._overlay_bgr is None:
                colors_bgr = self.style.colors_bgr(self.result.class_names)
                self._overlay_bgr = self.result.draw(
                    self.frame.image_bgr, self.style.opacity, colors_bgr=colors_bgr
                )
            return self._overlay_bgr


class Sink(ABC):
    """An output. A class with :func:`~runtime.sinks.registry.register` is all that a new one takes.

    A run calls :meth:`from_options`, :meth:`check`, :meth:`prepare`, :meth:`attach`,
    :meth:`begin`, :meth:`write` for each frame in order, :meth:`close` in any case, and
    :meth:`finish` at its very end; :meth:`note` for each event, at any time. Each
    sink has a queue and a thread of its own (:mod:`runtime.sinks.worker`), in which ``write`` and
    ``close`` run; what they raise ends this sink, not the others. The module of a sink must import
    quickly: numpy and the like are imported inside the methods that use them.

    Attributes:
        key: its name in the report's ``outputs``.
        Options: a frozen dataclass of :func:`~runtime.options.option` fields: its flags, which are
            its keys in a configuration file as well. All fields need defaults.
        place: the smaller, the further up in the help, the summary and the report.
        of_session: True for one that all streams of a run share; each has its own of the others.
        queue_frames: how many frames may wait for it before a file waits for it, or a live
            stream's oldest one is dropped.
        takes_frames: False for one that only wants :meth:`attach` or :meth:`finish`.
        wants_objects: True for one that reads ``SegmentedFrame.objects``, which cost time.
        uses_stdout: True while it writes to stdout, which nothing else must then.
        ends_run: set by a sink that asks for the end of the run, such as a window that is closed.
    """

    key: ClassVar[str]
    Options: ClassVar[type]
    place: ClassVar[int] = 100
    of_session: ClassVar[bool] = False
    queue_frames: ClassVar[int] = 2
    takes_frames: bool = True
    wants_objects: bool = False
    uses_stdout: bool = False
    ends_run: bool = False

    @classmethod
    @abstractmethod
    def from_options(cls, options: Any) -> Sink | None:
        """The sink that an ``Options`` asks for, None if it asks for none; opens nothing.

        Raises:
            UserError: the options cannot go together.
        """

    @abstractmethod
    def check(self, claims: Claims) -> None:
        """Claim the files that will be written; change nothing that exists.

        Raises:
            UserError: one of them cannot be written, or must not be.
        """

    def prepare(self, facts: RunFacts) -> None:  # noqa: B027 - most need nothing of the run
        """Learn about the run, whose model stands now; nothing is written yet."""

    def attach(self, stream: Stream) -> None:  # noqa: B027 - most need nothing of the stream
        """Learn about the stream that the sink belongs to: its words may be changed through it."""

    def note(self, event: Event) -> None:  # noqa: B027 - most tell of frames alone
        """Hear of a change of state; from any thread, also while ``write`` runs, and only quickly.

        What it raises ends nothing; it is logged.
        """

    def begin(self, source: Source) -> None:  # noqa: B027 - most need nothing of the source
        """Learn about the source, which is open now; nothing is written yet."""

    @abstractmethod
    def write(self, item: SegmentedFrame) -> None:
        """Take one frame; raises ``MgcaError`` if it cannot be written."""

    def interrupt(self) -> None:  # noqa: B027 - most wait for nothing
        """The run is to end now: stop waiting, in ``write`` and in ``close``; from any thread.

        Called at a signal, at an error and when a sink asked for the end; maybe more than once.
        """

    @abstractmethod
    def close(self) -> None:
        """Finish the output so that it can be used; may be called twice."""

    def finish(self, record: dict[str, Any]) -> None:  # noqa: B027 - for reports
        """Take the run's record, after every sink is closed; raises ``MgcaError``."""

    def record(self) -> dict[str, Any] | None:
        """What was written, for the report; None if nothing was."""
        return None

    def summary(self) -> tuple[str, str] | None:
        """A word and a text for the summary of a run: ``("labels", "/a/b (12 files)")``."""
        return None
