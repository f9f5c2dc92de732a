"""The model: one bundle loaded with one backend, shared by any number of streams."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from runtime.backends.casts import warn_of_casts
from runtime.backends.contract import expect_results, expect_segmenter
from runtime.backends.open import open_backend
from runtime.backends.protocol import Backend
from runtime.bundle import SEGMENTER_FILE, Bundle, Manifest, load_bundle
from runtime.demo import DEMO_BUNDLE
from runtime.errors import BundleError, MgcaError, UserError
from runtime.heap import trim_heap
from runtime.segment.frames import (
    Embedded,
    FrameEmbeddings,
    PreparedFrame,
    RawScores,
    WantedUnits,
)
from runtime.segment.scratch import ScratchPool
from runtime.segment.windows import Windows, WindowScores, places
from runtime.segment.word_scores import StreamedScores, identity, most_rows
from runtime.text.embedder import TextEmbedder
from runtime.text.queries import TextQueries, prepare_queries
from runtime.text.wording import OWN_WORDING, Wording

if TYPE_CHECKING:
    import numpy as np

_OUTPUTS: dict[str, list[str]] = {
    "adaptive": ["class_scores", "unit_of_pixel"],
    "pixel": ["pixel_scores"],
    "both": ["class_scores", "unit_of_pixel", "pixel_scores"],
}
_EMBEDDED: dict[str, list[str]] = {
    "adaptive": ["class_scores"],
    "pixel": ["pixel_scores"],
    "unit": ["unit_scores", "unit_of_pixel"],
}

__all__ = ["Model"]


class Model:
    """A loaded bundle, its backend and its text embedder: what streams have in common.

    >>> from runtime import Model, Segmenter                            # doctest: +SKIP
    >>> with Model.load() as model:                                     # doctest: +SKIP
    ...     door, yard = Segmenter(model), Segmenter(model)
    ...     door.set_classes("person,dog")
    ...     yard.set_classes("car,bus", background="none")

    It knows no stream: words, threshold and state are each :class:`~.segmenter.Segmenter`'s own.
    May be used from several threads; runs of the graph are made one after another.

    Attributes:
        bundle: the opened bundle.
        backend: what runs the graph; call :meth:`score` rather than this where threads share it.
        text_embedder: names to embeddings; also used by several threads.
    """

    def __init__(self, bundle: Bundle, backend: Backend, threads: int | None = None) -> None:
        self.bundle = bundle
        self.backend = backend
        try:
            expect_segmenter(backend, bundle)
            self.text_embedder = TextEmbedder(bundle, threads)
        except UserError:
            backend.close()
            raise
        self._identity = identity(bundle.manifest.embedding_width)
        self._scratches = ScratchPool()
        self._running = threading.Lock()
        self._has_run = self._closed = False

    @classmethod
    def load(
        cls,
        bundle: str | os.PathLike[str] | Bundle | None = None,
        backend: str = "auto",
        *,
        threads: int | None = None,
        verify: bool = True,
        force_backend: bool = False,
    ) -> Model:
        """Open a bundle (None: the demo model that is shipped) with a backend.

        Args:
            bundle: a bundle's folder, or one that is open already.
            backend: a name of :data:`runtime.backends.BACKEND_NAMES`.
            threads: CPU threads inside the graph; None for the engine's choice.
            verify: check every file's sha256.
            force_backend: take also a backend that this processor only emulates.

        Raises:
            BundleError: the bundle is not one, or its graph is not what its manifest says.
            UserError: the backend is unknown or cannot run here.
        """
        if not isinstance(bundle, Bundle):
            bundle = load_bundle(DEMO_BUNDLE if bundle is None else bundle, verify=verify)
        opened = open_backend(bundle, backend, threads=threads, force=force_backend)
        warn_of_casts(bundle, opened)
        model = cls(bundle, opened, threads)
        trim_heap()
        return model

    @property
    def manifest(self) -> Manifest:
        """What the bundle says about itself."""
        return self.bundle.manifest

    def prepare_queries(
        self,
        classes: str | Sequence[str],
        background: str | Sequence[str] = "auto",
        allow_unknown: bool = False,
        wording: Wording = OWN_WORDING,
    ) -> TextQueries:
        """Embed a class list; see :meth:`.segmenter.Segmenter.set_classes`."""
        return prepare_queries(self.text_embedder, classes, background, allow_unknown, wording)

    def preprocess(
        self, frame_bgr: np.ndarray, time_s: float | None = None, windows: Windows | None = None
    ) -> PreparedFrame:
        """The frame as the graph takes it: RGB, at the bundle's input size.

        Resized without keeping the aspect ratio: area averaging where both sides shrink (nothing
        thin is lost), bilinear otherwise. With ``windows`` it is the picture that they are cut out
        of, its aspect kept, resized bilinearly as published protocols do.

        Args:
            frame_bgr: uint8 (H, W, 3), BGR, of any size.
            time_s: when it was taken, in seconds on the source's clock, if that is known.
            windows: how the frame is looked at; None: as a whole.

        Raises:
            UserError: the frame is of another kind, or no window fits the bundle so.
        """
        import cv2
        import numpy as np

        if (
            getattr(frame_bgr, "ndim", 0) != 3
            or frame_bgr.shape[2] != 3
            or frame_bgr.dtype.name != "uint8"
            or 0 in frame_bgr.shape
        ):
            found = f"{getattr(frame_bgr, 'dtype', type(frame_bgr).__name__)} "
            found += str(getattr(frame_bgr, "shape", ""))
            raise UserError(f"the frame is {found}; expected BGR uint8 (height, width, 3)")
        size_wh = (frame_bgr.shape[1], frame_bgr.shape[0])
        width, height = self.manifest.input.size_wh
        if windows is not None:
            windows = windows.fit((width, height))
            width, height = windows.picture_wh(size_wh)
        tensor = np.empty((1, height, width, 3), dtype=np.uint8)  # the prepared frame's own
        with self._scratches.lend() as scratch:
            if size_wh != (width, height):
                shrinks = size_wh[0] >= width and size_wh[1] >= height and windows is None
                way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
                resized = scratch.array("resized", (height, width, 3), np.uint8)
                frame_bgr = cv2.resize(frame_bgr, (width, height), resized, interpolation=way)
            cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB, tensor[0])
        return PreparedFrame(tensor, size_wh, time_s, windows)

    def score(self, frame: PreparedFrame, queries: TextQueries, units: WantedUnits) -> RawScores:
        """Run the graph on a prepared frame and bring back the scores of these units.

        Waits while another thread runs it; between two windows of a frame others may. Raises
        :class:`~runtime.errors.MgcaError` where the graph fails, and after :meth:`close`.
        """
        if units not in _OUTPUTS:
            raise UserError(f"units is {units!r}; expected adaptive, pixel or both")
        if frame.windows is not None:
            return self._score_windows(frame, frame.windows, queries, units)
        streams = len(queries.text) > most_rows(self.manifest.embedding_width)
        text = self._identity if streams else queries.text
        with self._running:
            outputs = self._run(frame, text, _OUTPUTS[units])
        first: dict[str, Any] = {name: values[0] for name, values in outputs.items()}
        if streams:
            for name in first.keys() & {"class_scores", "pixel_scores"}:
                first[name] = StreamedScores(first[name], queries.text)
        return RawScores(
            queries,
            frame.size_wh,
            first.get("class_scores"),
            first.get("unit_of_pixel"),
            first.get("pixel_scores"),
            frame.time_s,
        )

    def _score_windows(
        self, frame: PreparedFrame, windows: Windows, queries: TextQueries, units: WantedUnits
    ) -> RawScores:
        """The mean of the scores of a frame's windows, each of which is run by itself."""
        import cv2
        import numpy as np

        picture, crop_wh = frame.tensor[0], self.manifest.input.size_wh
        picture_wh = (picture.shape[1], picture.shape[0])
        assert windows.stride is not None, "filled in where the frame was prepared"
        where = tuple(places(picture_wh, crop_wh, windows.stride))
        grids: dict[str, list[Any]] = {"class_scores": [], "pixel_scores": []}
        for place in where:
            window = np.ascontiguousarray(picture[place])
            if window.shape[:2] != crop_wh[::-1]:  # the picture is smaller: stretched
                window = cv2.resize(window, crop_wh, interpolation=cv2.INTER_LINEAR)
            raw = self.score(PreparedFrame(window[None], frame.size_wh), queries, units)
            for kind, given in grids.items():
                given.append(getattr(raw, kind))
        by_unit, by_pixel = (
            None if given[0] is None else WindowScores(picture_wh, where, tuple(given))
            for given in grids.values()
        )
        return RawScores(queries, frame.size_wh, by_unit, None, by_pixel, frame.time_s)

    def embed(self, frame: PreparedFrame, what: Embedded) -> FrameEmbeddings:
        """Run the graph on a prepared frame and bring back what meets the text, without a word.

        A score is linear in the word's embedding, so the rows of an identity matrix in the words'
        place bring back what every word's score is made of. Waits and raises as :meth:`score`.
        """
        if what not in _EMBEDDED:
            raise UserError(f"embeddings of {what!r}; expected adaptive, pixel or unit")
        with self._running:
            outputs = self._run(frame, self._identity, _EMBEDDED[what])
        if what == "unit":
            return FrameEmbeddings(outputs["unit_scores"], outputs["unit_of_pixel"][0])
        return FrameEmbeddings(outputs[_EMBEDDED[what][0]][0])

    def _run(
        self, frame: PreparedFrame, text: np.ndarray, wanted: list[str]
    ) -> dict[str, np.ndarray]:
        """Run the graph; one that has never run on the CPU, and cannot, is the bundle's fault."""
        feeds = {"frame": frame.tensor, "text": text}
        try:
            outputs = self.backend.run(feeds, wanted)
        except UserError:
            raise
        except MgcaError as error:
            if self._has_run or self.backend.name != "onnxruntime-cpu" or self._closed:
                raise
            raise BundleError(
                f"bundle {self.bundle.path}: {SEGMENTER_FILE} does not run ({error}); "
                "export it again with python -m export"
            ) from error
        expect_results(outputs, self.bundle, len(text))
        self._has_run = True
        return outputs

    def close(self) -> None:
        """Let go of the graph, after the run in progress, and of the text encoder if it is open."""
        with self._running:
            self._closed = True
            self.backend.close()
        self.text_embedder.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
