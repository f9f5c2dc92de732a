"""MGCA's runtime: a bundle and a stream in, a mask for each class out. Never imports torch.

>>> from runtime import Segmenter                                       # doctest: +SKIP
>>> segmenter = Segmenter.load()                                        # doctest: +SKIP
>>> segmenter.set_classes(["person", "car"])                            # doctest: +SKIP
>>> result = segmenter(frame_bgr)                                       # doctest: +SKIP
>>> overlay = result.draw(frame_bgr)                                    # doctest: +SKIP

One loaded :class:`Model` serves many streams: ``Segmenter(model)`` for each.

Names are loaded when they are first used, so that ``import runtime`` costs next to nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# ONNX Runtime 1.29 and newer send reports of their use to their maker, and keep a number of this
# machine on its disk, unless this says otherwise before they are loaded. Who wants it sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from runtime.backends import Backend, open_backend
    from runtime.bundle import Bundle, Manifest, Vocabulary, load_bundle, write_bundle
    from runtime.errors import (
        BundleError,
        MgcaError,
        SourceGoneError,
        UnknownClassError,
        UserError,
    )
    from runtime.segment.model import Model
    from runtime.segment.result import Result
    from runtime.segment.segmenter import Segmenter
    from runtime.segment.top_words import TopWords
    from runtime.text.word_list import WordList

_HOME_OF_NAME = {
    "Backend": "runtime.backends",
    "Bundle": "runtime.bundle",
    "BundleError": "runtime.errors",
    "Manifest": "runtime.bundle",
    "MgcaError": "runtime.errors",
    "Model": "runtime.segment.model",
    "Result": "runtime.segment.result",
    "Segmenter": "runtime.segment.segmenter",
    "SourceGoneError": "runtime.errors",
    "TopWords": "runtime.segment.top_words",
    "UnknownClassError": "runtime.errors",
    "UserError": "runtime.errors",
    "Vocabulary": "runtime.bundle",
    "WordList": "runtime.text.word_list",
    "load_bundle": "runtime.bundle",
    "open_backend": "runtime.backends",
    "write_bundle": "runtime.bundle",
}

__all__ = [
    "Backend",
    "Bundle",
    "BundleError",
    "Manifest",
    "MgcaError",
    "Model",
    "Result",
    "Segmenter",
    "SourceGoneError",
    "TopWords",
    "UnknownClassError",
    "UserError",
    "Vocabulary",
    "WordList",
    "load_bundle",
    "open_backend",
    "write_bundle",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF_NAME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
