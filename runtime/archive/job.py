"""What an archive run does, in plain values that other processes can be told."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from runtime.cli.config import WordsConfig
from runtime.flag_values import duration_s, number, whole_number, word_or_number, write_duration
from runtime.options import option
from runtime.segment.smoothing import TIME_CONSTANT_S
from runtime.text.template_sets import OWN
from runtime.text.wording import OWN_WORDING, Wording

#: Part of every digest: what was written by other rules is written anew.
RULES = 1
#: Of the words' settings: the list itself stands beside them, and an unknown word is one of it.
OF_NO_OUTPUT = frozenset({"classes", "classes_file", "allow_unknown"})

__all__ = ["Job", "LabelConfig", "ModelConfig", "PoolConfig"]


@dataclass(frozen=True)
class LabelConfig:
    """How frames are labelled, and what is written of them."""

    masks: str = option(
        "what is written of each frame beside its areas: --masks rle (default video: a lossless "
        "label video; rle: JSON lines with COCO RLE; none)",
        default="video",
        choices=("video", "rle", "none"),
    )
    every: int = option(
        "only each Nth frame: --every 5", default=1, metavar="N", holds=int, read=whole_number(1)
    )
    smooth: str | float = option(
        "steady the masks over time, with this time constant in seconds, as mgca-rt does: "
        f"--smooth 0.5 (default auto: {TIME_CONSTANT_S}). With it the pieces of one video are "
        "labelled one after the other; off: each frame by itself, all pieces side by side",
        default="auto",
        metavar="auto|off|S",
        read=word_or_number(("auto", "off"), 0, 60),
        or_number=True,
    )

    @property
    def smooth_s(self) -> float:
        """The time constant in seconds, 0 for none."""
        if self.smooth == "auto":
            return TIME_CONSTANT_S
        return 0.0 if self.smooth == "off" else float(self.smooth)


@dataclass(frozen=True)
class ModelConfig:
    """Which model labels, and how each worker runs it."""

    bundle: str | None = option(
        "the model, a folder (on every node) or a shipped one's name: --bundle street "
        "(default: the demo's)",
        metavar="DIR_OR_NAME",
    )
    backend: str = option(
        "what runs it: --backend onnxruntime-cuda (default auto: each worker finds out)",
        default="auto",
        metavar="NAME",
    )
    force_backend: bool = option(
        "also a backend that a processor can at best emulate: --force-backend",
        default=False,
        holds=bool,
    )
    threads: int = option(
        "processor threads of each worker, and the processors that Ray keeps for it: --threads 2 "
        "(default 1)",
        default=1,
        metavar="N",
        holds=int,
        read=whole_number(1),
    )


@dataclass(frozen=True)
class PoolConfig:
    """How the work is cut and handed out."""

    piece: float = option(
        "cut longer videos at key frames into pieces of about this length: --piece 5m (default 1m)",
        default=60.0,
        metavar="TIME",
        read=duration_s(0.1, 86400),
        write=write_duration,
    )
    workers: int | None = option(
        "sessions at one time: --workers 8 (default: as many as the GPUs, or else the processors "
        "of the cluster hold)",
        metavar="N",
        holds=int,
        read=whole_number(1),
    )
    gpus_per_worker: float = option(
        "the share of a GPU that each session takes: --gpus-per-worker 0.5 (default 0: none)",
        default=0.0,
        metavar="F",
        holds=float,
        read=number(0, 64),
    )
    retries: int = option(
        "do a piece again whose worker died, up to this often: --retries 5 (default 3)",
        default=3,
        metavar="N",
        holds=int,
        read=whole_number(0),
    )
    address: str | None = option(
        "a running Ray cluster: --address auto, --address ray://head:10001 (default: "
        "$RAY_ADDRESS, else a Ray of this machine, ended with the run)",
        metavar="ADDRESS",
    )


@dataclass(frozen=True)
class Job:
    """A run, as its workers know it.

    Attributes:
        out: the folder or address of everything that is written.
        classes: the entries of the class list, as they were given.
        words: background and how scores decide; its classes and templates are not looked at.
        labels: how frames are labelled.
        model: the model.
        piece_s: the wanted length of a piece in seconds.
        bundle_id: the bundle that every worker must find.
        class_names: the classes in label order.
        wording: how words are asked for, read where the run began: a file of templates need not be
            on other nodes, and may change before a worker is started anew.
    """

    out: str
    classes: tuple[str, ...]
    words: WordsConfig
    labels: LabelConfig
    model: ModelConfig
    piece_s: float
    bundle_id: str
    class_names: tuple[str, ...]
    wording: Wording = OWN_WORDING

    def settings(self) -> dict[str, Any]:
        """Everything that decides what stands in the outputs, but for the videos."""
        return {
            "rules": RULES,
            "bundle": self.bundle_id,
            "backend": self.model.backend,
            "classes": list(self.classes),
            **self._word_settings(),
            "every": self.labels.every,
            "smooth_s": self.labels.smooth_s,
            "masks": self.labels.masks,
        }

    def _word_settings(self) -> dict[str, Any]:
        """Every setting of the words, so that none that is added there is forgotten here."""
        names = [one.name for one in fields(WordsConfig) if one.name not in OF_NO_OUTPUT]
        settings = {name: getattr(self.words, name) for name in names}
        templates = self.wording.templates  # the name of a file's set holds a digest of its lines
        return settings | {"templates": OWN if templates is None else templates.name}

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits of the settings."""
        text = json.dumps(self.settings(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
