"""What is done with a mutant: all that a user's first minute does with a bundle."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runtime import Segmenter
from runtime.backends.tensorrt.cache import EngineCache
from runtime.backends.tensorrt.engine import find_stale_engine
from runtime.errors import BundleError, MgcaError, UserError

#: How a case may end. The first two are promised; each other is a finding.
ENDS = (
    "refused", "ran", "other error", "traceback", "over memory", "over time", "crash", "outside",
)  # fmt: skip
GOOD_ENDS = ENDS[:2]
_FRAME_WH = (40, 30)
_NO_MEMORY = re.compile(
    r"bad[ _]alloc|allocate|out of memory|MemoryError|not enough memory", re.IGNORECASE
)

__all__ = ["ENDS", "GOOD_ENDS", "End", "try_bundle"]


@dataclass(frozen=True)
class End:
    """How a case ended: one of :data:`ENDS`, and the error's text or what is wrong."""

    kind: str
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


def try_bundle(folder: Path, backend: str, threads: int = 1) -> End:
    """Open a bundle, set classes (known ones and one to encode), run two frames, look at the cache.

    Never raises for what a bundle can cause, a library's own kinds of error included.
    """
    try:
        _run(folder, backend, threads)
    except BundleError as error:
        return End("over memory" if _NO_MEMORY.search(str(error)) else "refused", str(error))
    except MgcaError as error:
        kind = "over memory" if _NO_MEMORY.search(str(error)) else "other error"
        return End(kind, f"{type(error).__name__}: {error}")
    except MemoryError:
        return End("over memory", "MemoryError")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in Rust is no Exception
        return End("traceback", f"{type(error).__name__}: {error}"[:500])
    return End("ran")


def _run(folder: Path, backend: str, threads: int) -> None:
    with Segmenter.load(folder, backend, threads=threads) as segmenter:
        find_stale_engine(segmenter.bundle)
        cache = EngineCache()
        for entry in cache.entries():
            cache.load(entry)
        cache.holdings()
        known = [name for name in segmenter.text_embedder.vocabulary.names if _is_usable(name)]
        for classes in (known[:2], ["reddish low thing", *known[:1]]):
            if classes:
                _segment(segmenter, classes)


def _segment(segmenter: Segmenter, classes: list[str]) -> None:
    try:
        segmenter.set_classes(classes, allow_unknown=True)
    except BundleError:
        raise
    except UserError:  # the words are the user's: too long for this bundle, or two that are one
        return
    width, height = _FRAME_WH
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    labels = segmenter(frame).labels
    if labels.shape != (height, width) or labels.dtype != np.uint8:
        raise TypeError(f"labels are {labels.dtype} {labels.shape}")


def _is_usable(name: str) -> bool:
    return not set(name) & set(",=|") and name.isprintable() and len(name) < 100
