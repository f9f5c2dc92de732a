"""The segmenter: a bundle, a list of classes, and frames in; results out."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, get_args

from runtime.backends.contract import expect_segmenter
from runtime.backends.open import open_backend
from runtime.backends.protocol import Backend
from runtime.bundle import Bundle, Manifest, load_bundle
from runtime.demo import DEMO_BUNDLE
from runtime.errors import UserError
from runtime.segment.labelling import label_pixels
from runtime.segment.result import Result
from runtime.segment.word_scores import Scores, StreamedScores, identity, most_rows
from runtime.text.embedder import Lexicon
from runtime.text.queries import ClassRows, prepare_rows

if TYPE_CHECKING:
    import numpy as np

Units = Literal["adaptive", "pixel"]

__all__ = ["ClassRows", "PreparedFrame", "RawScores", "Segmenter"]


@dataclass(frozen=True, eq=False)
class PreparedFrame:
    """A frame as the graph takes it: ``tensor`` uint8 (1, h, w, 3) RGB; its own size (W, H)."""

    tensor: np.ndarray
    size_wh: tuple[int, int]


@dataclass(frozen=True, eq=False)
class RawScores:
    """What the graph said of one frame, with the class list it was asked about.

    ``class_scores`` (by units) and ``pixel_scores`` (without) are cosines, float32 (K, h', w'), of
    very many words computed as they are looked at (:mod:`runtime.segment.word_scores`);
    ``unit_of_pixel`` int32 (h', w'). What was not asked for is None. ``size_wh`` is the source's.
    """

    rows: ClassRows
    size_wh: tuple[int, int]
    class_scores: Scores | None
    unit_of_pixel: np.ndarray | None
    pixel_scores: Scores | None


class Segmenter:
    """Open-vocabulary segmentation of frames with one bundle.

    >>> import numpy as np                                              # doctest: +SKIP
    >>> with Segmenter.load() as segmenter:                             # doctest: +SKIP
    ...     segmenter.set_classes("person,car=car|van")
    ...     result = segmenter(np.zeros((480, 640, 3), np.uint8))
    ...     print(result.labels.shape, result.areas)

    Classes may be changed at any time, also from another thread: a frame is labelled with the
    list that stood when its inference began. Calls to ``infer`` are made one after another.
    """

    def __init__(self, bundle: Bundle, backend: Backend, threads: int | None = None) -> None:
        self.bundle = bundle
        self.backend = backend
        self.lexicon = Lexicon(bundle, threads)
        self._units: Units = "adaptive"
        self._threshold = 0.0
        self._rows: ClassRows | None = None
        self._identity = identity(bundle.manifest.embedding_width)
        self._running = threading.Lock()
        self._changing = threading.Lock()
        try:
            expect_segmenter(backend, bundle)
        except UserError:
            backend.close()
            raise

    @classmethod
    def load(
        cls,
        bundle: str | os.PathLike[str] | Bundle | None = None,
        backend: str = "auto",
        *,
        threads: int | None = None,
        verify: bool = True,
    ) -> Segmenter:
        """Open a bundle (None: the demo model that is shipped) with a backend.

        ``backend``: a name of :data:`runtime.backends.BACKEND_NAMES`; ``threads``: CPU threads
        inside the graph; ``verify``: check every file's sha256. Raises
        :class:`~runtime.errors.BundleError` or :class:`~runtime.errors.UserError`.
        """
        if not isinstance(bundle, Bundle):
            bundle = load_bundle(DEMO_BUNDLE if bundle is None else bundle, verify=verify)
        return cls(bundle, open_backend(bundle, backend, threads=threads), threads)

    def set_classes(
        self,
        classes: str | Sequence[str],
        background: str | Sequence[str] = "auto",
        allow_unknown: bool = False,
    ) -> ClassRows:
        """Say what to look for; from the next frame on. At most 254 classes, 1024 words.

        ``classes``: ``"person,car=car|van"`` or a list of such entries; the position is the label.
        ``background``: ``"auto"`` (the bundle's other words compete, and where one wins the pixel
        is 255), ``"none"`` (every pixel gets a class), or words of your own. ``allow_unknown``
        encodes names that the model was not trained on. Raises
        :class:`~runtime.errors.UserError` (empty, twice, too many) or
        :class:`~runtime.errors.UnknownClassError` (naming the nearest known names); the list that
        stood before stays then.
        """
        with self._changing:
            self._rows = prepare_rows(self.lexicon, classes, background, allow_unknown)
            return self._rows

    @property
    def manifest(self) -> Manifest:
        """What the bundle says about itself."""
        return self.bundle.manifest

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that stand, in label order; empty before ``set_classes``."""
        return () if self._rows is None else self._rows.class_names

    @property
    def classes(self) -> ClassRows | None:
        """The list that stands, None before the first ``set_classes``; one may be put back."""
        return self._rows

    @classes.setter
    def classes(self, rows: ClassRows) -> None:
        with self._changing:
            self._rows = rows

    @property
    def units(self) -> Units:
        """``adaptive``: the image's own units meet the text; ``pixel``: every pixel by itself."""
        return self._units

    @units.setter
    def units(self, value: Units) -> None:
        if value not in get_args(Units):
            raise UserError(f"units is {value!r}; expected adaptive or pixel")
        self._units = value

    @property
    def threshold(self) -> float:
        """Least probability in [0, 1] for a pixel to keep its class; under it, label 255."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        if not 0.0 <= float(value) <= 1.0:
            raise UserError(f"threshold is {value}; expected a probability from 0 to 1")
        self._threshold = float(value)

    def preprocess(self, frame_bgr: np.ndarray) -> PreparedFrame:
        """The frame as the graph takes it, RGB at the input size, out of BGR uint8 (H, W, 3).

        Resized to the bundle's input size without keeping the aspect ratio: area averaging where
        both sides shrink (nothing thin is lost), bilinear otherwise.
        """
        import cv2

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
        if size_wh != (width, height):
            shrinks = size_wh[0] >= width and size_wh[1] >= height
            way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            frame_bgr = cv2.resize(frame_bgr, (width, height), interpolation=way)
        return PreparedFrame(cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB)[None], size_wh)

    def infer(
        self, prepared: PreparedFrame, units: Units | Literal["both"] | None = None
    ) -> RawScores:
        """Run the graph on a prepared frame with the classes that stand now.

        ``units`` (default: those of the segmenter) says which scores to bring back; with
        ``"both"`` one run can be postprocessed either way.
        """
        rows = self._rows
        if rows is None:
            raise UserError('no classes are set; call set_classes(["person", "car"]) first')
        wanted = {
            "adaptive": ["class_scores", "unit_of_pixel"],
            "pixel": ["pixel_scores"],
            "both": ["class_scores", "unit_of_pixel", "pixel_scores"],
        }[units or self._units]
        streams = len(rows.text) > most_rows(self.manifest.embedding_width)
        text = self._identity if streams else rows.text
        with self._running:
            outputs = self.backend.run({"frame": prepared.tensor, "text": text}, wanted)
        first: dict[str, Any] = {name: values[0] for name, values in outputs.items()}
        if streams:
            for name in first.keys() & {"class_scores", "pixel_scores"}:
                first[name] = StreamedScores(first[name], rows.text)
        return RawScores(
            rows,
            prepared.size_wh,
            first.get("class_scores"),
            first.get("unit_of_pixel"),
            first.get("pixel_scores"),
        )

    def postprocess(
        self,
        raw: RawScores,
        size_wh: tuple[int, int] | None = None,
        *,
        units: Units | None = None,
        latency_ms: dict[str, float] | None = None,
    ) -> Result:
        """Labels at ``size_wh`` (width, height; default: the source's) out of the raw scores.

        ``units`` chooses between the scores of a run with ``"both"``; by default the adaptive ones
        if they are there. ``latency_ms`` becomes the result's.
        """
        if units is None:
            units = "pixel" if raw.class_scores is None else "adaptive"
        scores = raw.class_scores if units == "adaptive" else raw.pixel_scores
        if scores is None:
            raise UserError(f"these scores hold no {units} ones; infer with units='both' for that")
        scale = self.manifest.logit_scale
        labels = label_pixels(
            scores,
            raw.rows.label_of_row,
            raw.size_wh if size_wh is None else size_wh,
            logit_scale=scale,
            threshold=self._threshold,
        )
        return Result(
            labels=labels,
            class_names=raw.rows.class_names,
            units=raw.unit_of_pixel if units == "adaptive" else None,
            latency_ms={} if latency_ms is None else latency_ms,
            grid_scores=scores,
            label_of_row=raw.rows.label_of_row,
            words=raw.rows.words,
            logit_scale=scale,
        )

    def __call__(self, frame_bgr: np.ndarray) -> Result:
        """Segment one frame, BGR uint8 (H, W, 3) of any size."""
        start = perf_counter()
        prepared = self.preprocess(frame_bgr)
        after_preprocess = perf_counter()
        raw = self.infer(prepared)
        after_infer = perf_counter()
        latency_ms: dict[str, float] = {}
        result = self.postprocess(raw, latency_ms=latency_ms)
        end = perf_counter()
        latency_ms["preprocess"] = (after_preprocess - start) * 1e3
        latency_ms["infer"] = (after_infer - after_preprocess) * 1e3
        latency_ms["postprocess"] = (end - after_infer) * 1e3
        latency_ms["total"] = (end - start) * 1e3
        return result

    def close(self) -> None:
        """Let go of the graph, and of the text encoder if it was opened."""
        self.backend.close()
        self.lexicon.close()

    def __enter__(self) -> Segmenter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
