"""The vocabulary file: class names with the text embeddings computed for them at export.

``vocabulary.safetensors`` holds two tensors, ``embeddings`` float32 (n, D), L2-normalised rows, and
``text_center`` float32 (D,), zeros where no centre is taken off; its metadata holds ``names`` (a
JSON list of n texts), ``templates_sha256`` and ``text_encoder_sha256``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.bundle.bounded_json import is_plain_text, read_json
from runtime.bundle.tensor_file import check_tensor_file
from runtime.errors import BundleError

if TYPE_CHECKING:
    import numpy as np

_REMEDY = "export the bundle again with python -m export"


def name_key(name: str) -> str:
    """A class name as it is looked up: blanks collapsed, lower case (as the tokenizer cleans).

    >>> name_key("  Traffic   Light ")
    'traffic light'
    """
    return " ".join(name.split()).lower()


def templates_sha256(prompts: Sequence[str], mean_first: bool = False) -> str:
    """Hex sha256 of a prompt list (order counts) and of the way its mean is taken, the key of
    embeddings made with it.
    """
    text = json.dumps(list(prompts)) + (" mean first" if mean_first else "")
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Vocabulary:
    """Names and their embeddings.

    Attributes:
        names: n class names.
        embeddings: float32 (n, D), L2-normalised, in the same order.
        text_center: float32 (D,): what was taken off them before; zeros where nothing was.
        templates_sha256: hex digest of the prompts they were made with.
        text_encoder_sha256: hex digest of the text encoder's weights.
    """

    names: tuple[str, ...]
    embeddings: np.ndarray
    text_center: np.ndarray
    templates_sha256: str
    text_encoder_sha256: str

    @property
    def embedding_width(self) -> int:
        """D, the width of every embedding."""
        return int(self.embeddings.shape[1])

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each name, keyed by :func:`name_key`."""
        return {name_key(name): row for row, name in enumerate(self.names)}

    def find(self, name: str) -> np.ndarray | None:
        """The embedding (D,) of a name, or None if it is not precomputed."""
        row = self.rows.get(name_key(name))
        return None if row is None else self.embeddings[row]


def write_vocabulary(path: str | os.PathLike[str], vocabulary: Vocabulary) -> None:
    """Write the file; raises :class:`BundleError` if the vocabulary breaks its own rules."""
    import numpy as np
    from safetensors.numpy import save

    _check(vocabulary, str(path))
    tensors = {
        "embeddings": np.ascontiguousarray(vocabulary.embeddings),
        "text_center": np.ascontiguousarray(vocabulary.text_center),
    }
    metadata = {
        "names": json.dumps(list(vocabulary.names), ensure_ascii=False),
        "templates_sha256": vocabulary.templates_sha256,
        "text_encoder_sha256": vocabulary.text_encoder_sha256,
    }
    Path(path).write_bytes(_sort_header(save(tensors, metadata=metadata)))


def _sort_header(data: bytes) -> bytes:
    """Write the header's keys in order.

    safetensors keeps metadata in a hash map of random order; the same export must give the same
    bytes. The format: header length (8 bytes, little-endian), JSON header, tensors.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of eight
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def read_vocabulary(path: str | os.PathLike[str]) -> Vocabulary:
    """Read the file; every dtype, shape, name and row is checked (:class:`BundleError`)."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        named = check_tensor_file(path) & {"embeddings", "text_center"}
        with safe_open(str(path), framework="numpy") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in named}
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise BundleError(f"{path} is not a vocabulary file ({error}); {_REMEDY}") from None
    for name in ("embeddings", "text_center"):
        if name not in tensors:
            raise BundleError(f"{path} has no tensor {name}; {_REMEDY}")
    for name in ("names", "templates_sha256", "text_encoder_sha256"):
        if name not in metadata:
            raise BundleError(f"{path} has no {name} in its metadata; {_REMEDY}")
    vocabulary = Vocabulary(
        names=_read_names(metadata["names"], path),
        embeddings=tensors["embeddings"],
        text_center=tensors["text_center"],
        templates_sha256=metadata["templates_sha256"],
        text_encoder_sha256=metadata["text_encoder_sha256"],
    )
    _check(vocabulary, str(path))
    return vocabulary


def _read_names(text: str, path: Path) -> tuple[str, ...]:
    try:
        names = read_json(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(map(is_plain_text, names)):
        raise BundleError(f"{path}: names should be a JSON list of texts; {_REMEDY}")
    return tuple(names)


def _check(vocabulary: Vocabulary, where: str) -> None:
    import numpy as np

    names, rows, center = vocabulary.names, vocabulary.embeddings, vocabulary.text_center
    if rows.ndim != 2 or rows.dtype != np.float32 or rows.shape[0] != len(names):
        raise BundleError(
            f"{where}: embeddings is {rows.dtype} {_shape(rows.shape)}, expected float32 "
            f"({len(names)}, D); {_REMEDY}"
        )
    if center.dtype != np.float32 or center.shape != (rows.shape[1],):
        raise BundleError(
            f"{where}: text_center is {center.dtype} {_shape(center.shape)}, expected float32 "
            f"({rows.shape[1]}); {_REMEDY}"
        )
    # NaN fails the comparison too, so one test covers rows that are off and rows that are broken.
    # Summed up in float64 without a copy of all rows, of which there may be 100,000.
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    if not (np.abs(lengths - 1.0) < 1e-3).all() or not np.isfinite(center).all():
        raise BundleError(f"{where}: embeddings are not L2-normalised finite rows; {_REMEDY}")
    keys = [name_key(name) for name in names]
    if "" in keys or len(set(keys)) != len(keys):
        raise BundleError(f"{where}: a name is empty or there twice, expected each once; {_REMEDY}")


def _shape(sides: Iterable[int]) -> str:
    return "(" + ", ".join(str(side) for side in sides) + ")"
