"""Sweeps of long word lists: the top words of units and of pixels, encoding, a vocabulary read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.growth.sweep import Sweep, Work
from runtime import Segmenter
from runtime.bundle.vocabulary import Vocabulary, name_key, read_vocabulary, write_vocabulary
from runtime.errors import MgcaError
from runtime.pictures.reader import read_picture
from runtime.segment.frames import Embedded, FrameEmbeddings
from runtime.segment.top_words import choose_top_words
from runtime.shipped import ASSETS
from runtime.text.spelling import english_nouns
from runtime.text.word_list import WordList

TOP = 5
_WIDTH = 512
_DRAWN_AT_ONCE = 1000
_SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)

__all__ = ["TOP", "VOCABULARY_SWEEPS", "photograph", "random_words"]


def random_words(count: int, width: int) -> WordList:
    """Words of random unit embeddings, float32 (count, width)."""
    draw = np.random.default_rng(count)
    text = np.empty((count, width), np.float32)
    for start in range(0, count, _DRAWN_AT_ONCE):
        rows = draw.standard_normal(text[start : start + _DRAWN_AT_ONCE].shape, dtype=np.float32)
        text[start : start + len(rows)] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    text.setflags(write=False)
    return WordList(tuple(f"word {number}" for number in range(count)), text)


def photograph() -> np.ndarray:
    """The photograph that comes with the package, BGR uint8 (h, w, 3)."""
    found = read_picture(str(ASSETS / "cat.jpg"))
    if found is None:
        raise MgcaError(f"{ASSETS / 'cat.jpg'} cannot be read; install mgca again")
    return found.image_bgr


def _open_photo() -> Segmenter:
    return Segmenter.load("photo", "onnxruntime-cpu", threads=1)


@dataclass(frozen=True)
class _Embedded:
    frame: FrameEmbeddings
    size_wh: tuple[int, int]


def _embed(what: Embedded) -> _Embedded:
    """The photograph as the open-vocabulary model sees it; the model is let go."""
    with _open_photo() as segmenter:
        prepared = segmenter.preprocess(photograph())
        return _Embedded(segmenter.model.embed(prepared, what), prepared.size_wh)


def _choose(embedded: _Embedded, count: int) -> Work:
    words = random_words(count, _WIDTH)
    return lambda: choose_top_words(embedded.frame, words, TOP, embedded.size_wh)


@dataclass
class _Unread:
    """A model, and nouns that it has not encoded yet."""

    segmenter: Segmenter
    nouns: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        known = self.segmenter.text_embedder.vocabulary.rows
        self.nouns = (noun for noun in sorted(english_nouns()) if name_key(noun) not in known)


def _load_encoder(_: Path) -> _Unread:
    unread = _Unread(_open_photo())
    unread.segmenter.prepare_words(list(itertools.islice(unread.nouns, 64)), allow_unknown=True)
    return unread


def _encode(unread: _Unread, count: int) -> Work:
    nouns = list(itertools.islice(unread.nouns, count))
    return lambda: unread.segmenter.prepare_words(nouns, allow_unknown=True)


def _vocabulary_file(folder: Path, count: int) -> Path:
    return folder / f"{count}.safetensors"


def _write(folder: Path, count: int) -> None:
    words = random_words(count, _WIDTH)
    digest, center = "0" * 64, np.zeros(_WIDTH, np.float32)
    vocabulary = Vocabulary(words.words, words.text, center, digest, digest)
    write_vocabulary(_vocabulary_file(folder, count), vocabulary)


def _read(folder: Path, count: int) -> Work:
    return lambda: read_vocabulary(_vocabulary_file(folder, count)).rows


VOCABULARY_SWEEPS = (
    Sweep(
        "unit-words",
        "words",
        f"of which each unit of a photograph gets its top {TOP}",
        _SIZES,
        lambda _: _embed("unit"),
        _choose,
        _SIZES[:2],
    ),
    Sweep(
        "pixel-words",
        "words",
        f"of which each pixel of the grid gets its top {TOP}",
        _SIZES,
        lambda _: _embed("adaptive"),
        _choose,
        _SIZES[:2],
    ),
    Sweep(
        "encoding",
        "words",
        "encoded that the bundle has not ready",
        (64, 128, 256, 512, 1024),
        _load_encoder,
        _encode,
        (8, 16),
    ),
    Sweep(
        "vocabulary",
        "words",
        "of a bundle's vocabulary, read and checked",
        (*_SIZES, 300_000),
        lambda folder: folder,
        _read,
        _SIZES[:2],
        _write,
    ),
)
