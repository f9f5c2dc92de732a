"""Names to embeddings: looked up in the vocabulary, else encoded on the device, else refused."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from runtime.bundle import TEXT_ENCODER_FILE, Bundle, TemplateSet, name_key, templates_sha256
from runtime.errors import UnknownClassError, UserError
from runtime.text.calibration import LEAST_WORDS, calibrate
from runtime.text.classes import shortened
from runtime.text.nearest import CONTROLS, by_encoder, offer
from runtime.text.prompting import embed_names, fill_prompts
from runtime.text.spelling import Doubt, find_doubt, words_of
from runtime.text.synonyms import plain_forms
from runtime.text.wording import Wording

if TYPE_CHECKING:
    import numpy as np

    from runtime.text.encoder import TextEncoder

# Words that join others without adding one to see: "a man on the bicycle" holds man and bicycle.
STOP_WORDS = frozenset(
    "a an and at behind beside by for from in is its near next of on or over some the to under "
    "with".split()
)


# Encoded names that are kept: a stream that runs for months may be asked for ever new ones.
MOST_ENCODED = 4096
# Wordings that are kept: a bundle is asked in one or two.
MOST_WORDINGS = 8
PROMPTS_AT_ONCE = 128


class TextEmbedder:
    """The names that a bundle knows, and their embeddings.

    A name is known when the vocabulary holds it; when the manifest's ``trained_words`` is null
    (open vocabulary); or when it can be laid out, without gap, in entries of ``trained_words`` and
    stop words, with at least one entry ("purple bus" out of "purple" and "bus"). Case, blanks, an
    article in front and the plural make no other name (:meth:`key_of`), unless words are taken
    exactly as they are typed (:meth:`asking`).

    May be used from several threads: names are encoded by one at a time.

    Attributes:
        bundle: whose names.
        vocabulary: the names whose embeddings in the bundle's own templates are ready.
        templates: what names are put into.
        exact: whether words are taken as they are typed.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        self.bundle = bundle
        self.vocabulary = bundle.vocabulary()
        self.templates: TemplateSet = bundle.manifest.templates
        self.exact = False
        words = bundle.manifest.trained_words
        self.trained_words = None if words is None else frozenset(map(name_key, words))
        self._threads = threads
        self._encoder: TextEncoder | None = None
        self._ready = self.vocabulary.rows
        self._encoded: dict[str, np.ndarray] = {}
        self._doubted: dict[str, Doubt | None] = {}
        self._encoding = threading.RLock()  # advice encodes words while others wait
        self._root = self
        self._kin: dict[Wording, TextEmbedder] = {}

    def asking(self, wording: Wording) -> TextEmbedder:
        """The embedder of the same bundle that asks in other words; made once for each wording.

        It shares the text encoder with this one, which has to be closed once for all of them.

        Raises:
            UserError: other templates than the bundle's own, and it has no text encoder.
        """
        root = self._root
        with root._encoding:
            found = root._kin.get(wording)
            if found is None:
                found = root._kin[wording] = root._ask_in(wording)
                if len(root._kin) > MOST_WORDINGS:
                    del root._kin[next(iter(root._kin))]
            return found

    def _ask_in(self, wording: Wording) -> TextEmbedder:
        """One of another wording; its encoded names are its own."""
        templates = wording.templates or self.templates
        own = _key_of_set(templates) == _key_of_set(self.templates)
        if own and not wording.exact:
            return self
        if not own and not self.bundle.has(TEXT_ENCODER_FILE):
            raise UserError(
                f"bundle {self.bundle.path} has no text encoder, and what it holds ready is in its "
                f"own templates ({self.templates.name}), not in {templates.name}; leave templates "
                f"at bundle, or export the bundle in these, or with its text encoder"
            )
        other = copy(self)
        other.templates, other.exact = templates, wording.exact
        other._ready = self._ready if own else {}
        other._encoded, other._doubted = {}, {}
        return other

    def is_known(self, name: str) -> bool:
        """Whether the model can know the name (see the class)."""
        key = self.key_of(name)
        if key in self.vocabulary.rows or self.trained_words is None:
            return True
        return _laid_out(key.split(), self.trained_words)

    def key_of(self, name: str) -> str:
        """The name under which a word is looked up: "a car", "the car" and "cars" are "car".

        A plural stands for its singular where the model knows the singular as a word of its own;
        an entry of the vocabulary that holds an article stays what it is. Of words that are taken
        exactly, only case and blanks go.
        """
        key = name_key(name)
        if self.exact:
            return key
        *singulars, bare = plain_forms(key)
        if key != bare and key in self.vocabulary.rows:
            return key
        if self.trained_words is None and bare in self.vocabulary.rows:
            return bare  # an open vocabulary knows plurals; one that was precomputed is wanted
        return next((form for form in singulars if self._is_entry(form)), bare)

    def nearest(self, name: str, count: int = 3) -> list[str]:
        """Usable names of nearly this meaning or spelling, best first; empty if none is close."""
        known = dict.fromkeys(self.vocabulary.rows)
        if self.bundle.has(TEXT_ENCODER_FILE):
            known.update(dict.fromkeys(sorted(self.trained_words or ())))
        key = name_key(name)
        usable = [word for word in known if self.key_of(word) == word]  # a plural adds nothing
        return offer(key, usable, count, lambda: self._near_by_encoder(key))

    def embed(self, names: Sequence[str], allow_unknown: bool = False) -> np.ndarray:
        """Embeddings float32 (n, D), L2-normalised, prompt-averaged and centred.

        Raises :class:`UnknownClassError` for the first name that is unknown (unless
        ``allow_unknown``) or that would have to be encoded by an encoder the bundle lacks.
        """
        import numpy as np

        with self._encoding:
            self._encode_missing(names, allow_unknown)
            rows = [self._row(self.key_of(name)) for name in names]
            while len(self._encoded) > MOST_ENCODED:  # the oldest, which may be encoded again
                del self._encoded[next(iter(self._encoded))]
        return np.stack(rows).astype(np.float32, copy=False)

    def check_lengths(self, names: Sequence[str]) -> None:
        """Refuse, with a :class:`UserError`, names whose end the text encoder would never see."""
        prompts = self.templates.prompts
        keys = {self.key_of(name) for name in names}
        for name in (key for key in keys if key not in self._ready):
            tokenizer = self._open_encoder().tokenizer
            count = max(map(tokenizer.count, fill_prompts([name], prompts)))
            if count > tokenizer.context_length:
                raise UserError(
                    f"class {shortened(name)!r} takes {count} tokens with its prompt, at most "
                    f"{tokenizer.context_length} fit this model's text encoder; use a shorter "
                    "name, or shorter --templates"
                )

    def new_doubts(self, names: Sequence[str]) -> list[Doubt]:
        """Names of an open vocabulary that look misspelled, each told once.

        A closed list refuses what it does not know; an open one takes any name, and would silently
        segment what the encoder makes of "persn".
        """
        closed = self.trained_words is not None
        if closed or self.exact or not self.bundle.has(TEXT_ENCODER_FILE):
            return []
        with self._encoding:
            new = [name for name in map(name_key, names) if name not in self._doubted]
            new = [name for name in new if self.key_of(name) not in self.vocabulary.rows]
            words = words_of(self.vocabulary.names)
            for name in new:
                self._doubted[name] = find_doubt(name, words, self._is_word)
            doubts = [self._doubted[name] for name in new]
            while len(self._doubted) > MOST_ENCODED:
                del self._doubted[next(iter(self._doubted))]
        return [doubt for doubt in doubts if doubt is not None]

    def close(self) -> None:
        """Let go of the text encoder if one was opened."""
        with self._encoding:
            if self._root._encoder is not None:
                self._root._encoder.close()
                self._root._encoder = None

    def _encode_missing(self, names: Sequence[str], allow_unknown: bool) -> None:
        """Encode the names that are new; see :meth:`embed` for the errors."""
        missing = []
        for name, asked in {self.key_of(name): name_key(name) for name in names}.items():
            if name in self._ready or name in self._encoded:
                if name in self._ready or allow_unknown or self.is_known(name):
                    continue
            if not allow_unknown and not self.is_known(name):
                near = self.nearest(asked)
                raise UnknownClassError(
                    f"class {asked!r} is unknown to this model; {self._advice(near)}, or "
                    "allow_unknown=True to try it anyway",
                    name=asked,
                    near=near,
                )
            missing.append(name)
        if missing:
            self._encode(missing)

    def _is_entry(self, key: str) -> bool:
        """Whether the model knows a name as such, and not only words that it is made of."""
        if key in self.vocabulary.rows:
            return True
        trained = self.trained_words
        if trained is None or not self.bundle.has(TEXT_ENCODER_FILE):
            return False
        return not STOP_WORDS & set(key.split()) and _laid_out(key.split(), trained)

    def _near_by_encoder(self, key: str) -> list[str]:
        """Precomputed names that mean what an unknown one says; see :func:`by_encoder`."""
        words = self.bundle.manifest.background_words
        if len(words) < LEAST_WORDS or not self.bundle.has(TEXT_ENCODER_FILE):
            return []
        root = self._root
        if self is not root:  # what is ready is in the bundle's own templates
            return root._near_by_encoder(key)
        prompts, center = self.templates.prompts, self.vocabulary.text_center
        space = calibrate(self.embed(words, allow_unknown=True))
        assert space is not None
        encode = self._open_encoder().encode
        rows = embed_names([key, *CONTROLS], prompts, encode, center, self.templates.mean_first)
        names = list(self.vocabulary.rows)
        return by_encoder(space, rows[0], names, self.vocabulary.embeddings, rows[1:])

    def _row(self, key: str) -> np.ndarray:
        at = self._ready.get(key)
        return self._encoded[key] if at is None else self.vocabulary.embeddings[at]

    def _encode(self, names: list[str]) -> None:
        if not self.bundle.has(TEXT_ENCODER_FILE):
            near = self.nearest(names[0])
            raise UnknownClassError(
                f"class {names[0]!r} is not in the bundle's vocabulary, and the bundle has no text "
                f"encoder; {self._advice(near)}, or export a bundle with the text encoder",
                name=names[0],
                near=near,
            )
        templates, at_once = self.templates, max(1, PROMPTS_AT_ONCE // len(self.templates.prompts))
        with _bar(len(names), hidden=len(names) <= at_once) as bar:
            for start in range(0, len(names), at_once):
                some = names[start : start + at_once]
                rows = embed_names(
                    some,
                    templates.prompts,
                    self._open_encoder().encode,
                    self.vocabulary.text_center,
                    templates.mean_first,
                )
                self._encoded.update(zip(some, rows, strict=True))
                bar.update(len(some))

    def _is_word(self, word: str) -> bool:
        return self._open_encoder().tokenizer.is_word(word)

    def _open_encoder(self) -> TextEncoder:
        root = self._root
        if root._encoder is None:
            from runtime.text.encoder import TextEncoder

            root._encoder = TextEncoder(self.bundle, self._threads)
        return root._encoder

    def _advice(self, close: Sequence[str]) -> str:
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


def _key_of_set(templates: TemplateSet) -> str:
    return templates_sha256(templates.prompts, templates.mean_first)


def _bar(total: int, hidden: bool) -> Any:
    """A progress bar: eighty templates of fifty words are four thousand prompts."""
    from tqdm import tqdm

    return tqdm(total=total, desc="words", delay=2, leave=False, disable=True if hidden else None)
