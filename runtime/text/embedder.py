"""Names to embeddings: looked up in the vocabulary, else encoded on the device, else refused."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.bundle import TEXT_ENCODER_FILE, Bundle, name_key
from runtime.errors import UnknownClassError
from runtime.text.prompting import embed_names

if TYPE_CHECKING:
    import numpy as np

    from runtime.text.encoder import TextEncoder

# Words that join others without adding one to see: "a man on the bicycle" holds man and bicycle.
STOP_WORDS = frozenset(
    "a an and at behind beside by for from in is its near next of on or over some the to under "
    "with".split()
)


class TextEmbedder:
    """The names that a bundle knows, and their embeddings.

    A name is known when the vocabulary holds it; when the manifest's ``trained_words`` is null
    (open vocabulary); or when it can be laid out, without gap, in entries of ``trained_words`` and
    stop words, with at least one entry ("purple bus" out of "purple" and "bus").

    May be used from several threads: names are encoded by one at a time.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        self.bundle = bundle
        self.vocabulary = bundle.vocabulary()
        words = bundle.manifest.trained_words
        self.trained_words = None if words is None else frozenset(map(name_key, words))
        self._threads = threads
        self._encoder: TextEncoder | None = None
        self._encoded: dict[str, np.ndarray] = {}
        self._encoding = threading.Lock()

    def is_known(self, name: str) -> bool:
        """Whether the model can know the name (see the class)."""
        if name_key(name) in self.vocabulary.rows or self.trained_words is None:
            return True
        return _laid_out(name_key(name).split(), self.trained_words)

    def nearest(self, name: str, count: int = 3) -> list[str]:
        """Usable names spelled most like this one, best first; empty if none is close."""
        known = dict.fromkeys(self.vocabulary.rows)
        if self.bundle.has(TEXT_ENCODER_FILE):
            known.update(dict.fromkeys(sorted(self.trained_words or ())))
        key = name_key(name)
        close = difflib.get_close_matches(key, known, n=count, cutoff=0.6)
        if not close:
            by_word = (difflib.get_close_matches(word, known, n=1) for word in key.split())
            close = [match for matches in by_word for match in matches][:count]
        return list(dict.fromkeys(close))

    def embed(self, names: Sequence[str], allow_unknown: bool = False) -> np.ndarray:
        """Embeddings float32 (n, D), L2-normalised, prompt-averaged and centred.

        Raises :class:`UnknownClassError` for the first name that is unknown (unless
        ``allow_unknown``) or that would have to be encoded by an encoder the bundle lacks.
        """
        import numpy as np

        with self._encoding:
            self._encode_missing(names, allow_unknown)
            rows = [self._row(name_key(name)) for name in names]
        return np.stack(rows).astype(np.float32, copy=False)

    def close(self) -> None:
        """Let go of the text encoder if one was opened."""
        with self._encoding:
            if self._encoder is not None:
                self._encoder.close()
                self._encoder = None

    def _encode_missing(self, names: Sequence[str], allow_unknown: bool) -> None:
        """Encode the names that are new; see :meth:`embed` for the errors."""
        missing = []
        for name in dict.fromkeys(map(name_key, names)):
            if name in self.vocabulary.rows or name in self._encoded:
                if name in self.vocabulary.rows or allow_unknown or self.is_known(name):
                    continue
            if not allow_unknown and not self.is_known(name):
                raise UnknownClassError(
                    f"class {name!r} is unknown to this model; {self._advice(name)}, or "
                    "allow_unknown=True to try it anyway"
                )
            missing.append(name)
        if missing:
            self._encode(missing)

    def _row(self, key: str) -> np.ndarray:
        found = self.vocabulary.find(key)
        return self._encoded[key] if found is None else found

    def _encode(self, names: list[str]) -> None:
        if not self.bundle.has(TEXT_ENCODER_FILE):
            raise UnknownClassError(
                f"class {names[0]!r} is not in the bundle's vocabulary, and the bundle has no text "
                f"encoder; {self._advice(names[0])}, or export a bundle with the text encoder"
            )
        if self._encoder is None:
            from runtime.text.encoder import TextEncoder

            self._encoder = TextEncoder(self.bundle, self._threads)
        prompts = self.bundle.manifest.templates.prompts
        center = self.vocabulary.text_center
        rows = embed_names(names, prompts, self._encoder.encode, center)
        self._encoded.update(zip(names, rows, strict=True))

    def _advice(self, name: str) -> str:
        close = self.nearest(name)
        if close:
            return f"the nearest it knows: {', '.join(close)}; use one of them"
        names = self.vocabulary.names
        some = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        return f"it knows {len(names)} names: {some}; use one of them"


def _laid_out(words: list[str], entries: frozenset[str]) -> bool:
    """Whether the words split into entries (of one or more words) and stop words, one entry min."""
    # reach[i]: the first i words can be laid out; the value says whether with an entry.
    reach: dict[int, bool] = {0: False}
    for end in range(1, len(words) + 1):
        for start in range(end):
            if start not in reach:
                continue
            if " ".join(words[start:end]) in entries:
                reach[end] = True
            elif end - start == 1 and words[start] in STOP_WORDS:
                reach[end] = reach.get(end, False) or reach[start]
    return reach.get(len(words), False)
