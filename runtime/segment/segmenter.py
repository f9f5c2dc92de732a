"""The segmenter: one stream's words, threshold, units and state, on a model that may be shared."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, get_args

from runtime.backends.protocol import Backend
from runtime.bundle import Bundle, Manifest
from runtime.errors import UserError
from runtime.segment.decision import Decision, label_as_decided
from runtime.segment.frames import PreparedFrame, RawScores, Units, WantedUnits
from runtime.segment.kept_labels import KeptLabels
from runtime.segment.model import Model
from runtime.segment.result import Result
from runtime.segment.seams import MotionGate, ScoreSmoother
from runtime.segment.top_words import Per, TopWords, choose_top_words
from runtime.segment.windows import Windows
from runtime.text.embedder import TextEmbedder
from runtime.text.queries import TextQueries
from runtime.text.word_list import WordList, prepare_words
from runtime.text.wording import OWN_WORDING, Wording

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Segmenter"]


class Segmenter:
    """Open-vocabulary segmentation of the frames of one stream.

    >>> import numpy as np                                              # doctest: +SKIP
    >>> with Segmenter.load() as segmenter:                             # doctest: +SKIP
    ...     segmenter.set_classes("person,vehicle=car|bus")
    ...     result = segmenter(np.zeros((480, 640, 3), np.uint8))
    ...     print(result.labels.shape, result.areas)

    ``Segmenter.load`` opens a model of its own; ``Segmenter(model)`` shares one with others.
    Classes may be changed at any time, also from another thread: a frame is labelled with the
    list that stood when its inference began. Calls to ``infer`` are made one after another.

    Attributes:
        model: what the frames are run on.
        motion_gate: says which frames need not be run; None runs all of them.
        smoother: steadies the scores before they are labelled; None labels them as they are.
        decision: how scores become labels: scale, thresholds, least areas; replace it by
            ``segmenter.decision.changed(background_threshold=0.1)``.
    """

    def __init__(
        self,
        model: Model,
        *,
        motion_gate: MotionGate | None = None,
        smoother: ScoreSmoother | None = None,
    ) -> None:
        self.model = model
        self.motion_gate = motion_gate
        self.smoother = smoother
        self._owns_model = False
        self.decision = Decision(
            logit_scale=model.manifest.logit_scale, presence=model.manifest.presence
        )
        self._units: Units = "adaptive"
        self._windows: Windows | None = None
        self._queries: TextQueries | None = None
        self._last_run: RawScores | None = None
        self._kept = KeptLabels()
        self._inferring = threading.Lock()
        self._changing = threading.Lock()

    @classmethod
    def load(
        cls,
        bundle: str | os.PathLike[str] | Bundle | None = None,
        backend: str = "auto",
        *,
        threads: int | None = None,
        verify: bool = True,
        force_backend: bool = False,
    ) -> Segmenter:
        """Open a bundle with a model of its own, which is closed with it; see :meth:`Model.load`.

        Raises :class:`~runtime.errors.BundleError` or :class:`~runtime.errors.UserError`.
        """
        segmenter = cls(
            Model.load(bundle, backend, threads=threads, verify=verify, force_backend=force_backend)
        )
        segmenter._owns_model = True
        return segmenter

    def set_classes(
        self,
        classes: str | Sequence[str],
        background: str | Sequence[str] = "auto",
        allow_unknown: bool = False,
        wording: Wording = OWN_WORDING,
    ) -> TextQueries:
        """Say what to look for; from the next frame on. At most 254 classes, 1024 words.

        Args:
            classes: ``"person,vehicle=car|bus"`` or a list of such entries; the position is
                the label.
            background: ``"auto"`` (the bundle's other words compete, and where one wins the pixel
                is 255), ``"none"`` (every pixel gets a class), or words of your own.
            allow_unknown: encode names that the model was not trained on.
            wording: templates that words are put into, by default the bundle's own, and whether
                words are taken as they are typed.

        Raises:
            UserError: the list is empty, holds a name twice, or too many, or templates need a text
                encoder that the bundle lacks; the list that stood before stays, here and below.
            UnknownClassError: a name is unknown; the message has the nearest known ones.
        """
        with self._changing:
            self._queries = self.model.prepare_queries(classes, background, allow_unknown, wording)
            return self._queries

    @property
    def bundle(self) -> Bundle:
        """The model's bundle."""
        return self.model.bundle

    @property
    def backend(self) -> Backend:
        """What runs the model's graph."""
        return self.model.backend

    @property
    def text_embedder(self) -> TextEmbedder:
        """The model's text side: names to embeddings."""
        return self.model.text_embedder

    @property
    def manifest(self) -> Manifest:
        """What the bundle says about itself."""
        return self.model.manifest

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that stand, in label order; empty before ``set_classes``."""
        return () if self._queries is None else self._queries.class_names

    @property
    def classes(self) -> TextQueries | None:
        """The list that stands, None before the first ``set_classes``; one may be put back."""
        return self._queries

    @classes.setter
    def classes(self, queries: TextQueries) -> None:
        with self._changing:
            self._queries = queries

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
        return self.decision.threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        self.decision = self.decision.changed(threshold=float(value))

    @property
    def windows(self) -> Windows | None:
        """How frames are looked at: in windows of the bundle's input size; None: as a whole."""
        return self._windows

    @windows.setter
    def windows(self, value: Windows | None) -> None:
        self._windows = None if value is None else value.fit(self.manifest.input.size_wh)
        self._last_run = None  # its scores are of another look at the frame

    def preprocess(self, frame_bgr: np.ndarray, time_s: float | None = None) -> PreparedFrame:
        """The frame as the graph takes it; see :meth:`Model.preprocess`."""
        return self.model.preprocess(frame_bgr, time_s, self._windows)

    def infer(self, prepared: PreparedFrame, units: WantedUnits | None = None) -> RawScores:
        """The scores of a prepared frame with the classes that stand now.

        The motion gate may spare the graph, and the smoother sees what comes of it.

        Args:
            prepared: the stream's next frame.
            units: which scores to bring back, by default those of the segmenter; with ``"both"``
                one run can be postprocessed either way.

        Raises:
            UserError: no classes are set.
            MgcaError: the graph failed.
        """
        with self._inferring:
            queries = self._queries
            if queries is None:
                raise UserError('no classes are set; call set_classes(["person", "car"]) first')
            wanted = units or self._units
            raw = self._spared(prepared, queries, wanted)
            if raw is None:
                raw = self.model.score(prepared, queries, wanted)
                if self.motion_gate is not None:
                    self.motion_gate.ran(prepared)
                    self._last_run = raw
            return raw if self.smoother is None else self.smoother.smooth(raw, prepared)

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
        label_of_row, decision = raw.queries.label_of_row, self.decision
        size_wh = raw.size_wh if size_wh is None else size_wh
        labels = self._kept.copy_of(scores, size_wh, decision) if raw.spared else None
        if labels is None:
            labels = label_as_decided(scores, label_of_row, size_wh, decision)
            if self.motion_gate is not None:
                self._kept.keep(labels, scores, size_wh, decision)
        return Result(
            labels=labels,
            class_names=raw.queries.class_names,
            units=raw.unit_of_pixel if units == "adaptive" else None,
            latency_ms={} if latency_ms is None else latency_ms,
            grid_scores=scores,
            label_of_row=label_of_row,
            words=raw.queries.words,
            logit_scale=decision.logit_scale,
            spared=raw.spared,
        )

    def __call__(self, frame_bgr: np.ndarray, time_s: float | None = None) -> Result:
        """Segment one frame, BGR uint8 (H, W, 3) of any size, taken at ``time_s`` seconds."""
        start = perf_counter()
        prepared = self.preprocess(frame_bgr, time_s)
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

    def prepare_words(
        self, words: Sequence[str] | None = None, allow_unknown: bool = False
    ) -> WordList:
        """Embed a list of any length for :meth:`top_words`; None: the bundle's whole vocabulary.

        Raises as :func:`runtime.text.word_list.prepare_words`.
        """
        return prepare_words(self.text_embedder, words, allow_unknown)

    def top_words(
        self,
        frame_bgr: np.ndarray,
        words: WordList | Sequence[str] | None = None,
        k: int = 5,
        *,
        per: Per = "unit",
    ) -> TopWords:
        """The k words that fit best at every place of a frame, out of a list of any length.

        Classes, how they decide, windows, motion gate and smoothing play no part, and stay as they
        are: the frame is seen whole.

        Args:
            frame_bgr: uint8 (H, W, 3), BGR, of any size.
            words: from :meth:`prepare_words`; names are embedded for this call alone; None: the
                bundle's whole vocabulary.
            k: how many.
            per: ``unit``: for each adaptive unit of the image; ``pixel``: for each pixel of the
                output grid, scored as ``units`` says.

        Raises:
            UserError: a frame, a word or a k that is none; see also :meth:`prepare_words`.
            MgcaError: the graph failed.
        """
        if per not in get_args(Per):
            raise UserError(f"per is {per!r}; expected unit or pixel")
        chosen = words if isinstance(words, WordList) else self.prepare_words(words)
        # Embeddings of another encoder may have the same width, and mean nothing here.
        if chosen.encoder_sha256 not in (None, self.manifest.text.encoder_sha256):
            raise UserError(
                "the words were prepared by a model with another text encoder; prepare them with "
                "this segmenter's prepare_words"
            )
        prepared = self.model.preprocess(frame_bgr)
        frame = self.model.embed(prepared, "unit" if per == "unit" else self._units)
        return choose_top_words(frame, chosen, k, prepared.size_wh)

    def close(self) -> None:
        """Let go of the model if it is the segmenter's own; a shared one is closed by itself."""
        if self._owns_model:
            self.model.close()

    def _spared(
        self, prepared: PreparedFrame, queries: TextQueries, units: WantedUnits
    ) -> RawScores | None:
        """The last run's scores where they fit and the gate says they will do."""
        last = self._last_run
        if self.motion_gate is None or last is None:
            return None
        if last.queries is not queries or not last.holds(units):
            return None
        if not self.motion_gate.spares(prepared):
            return None
        return replace(last, size_wh=prepared.size_wh, time_s=prepared.time_s, spared=True)

    def __enter__(self) -> Segmenter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
