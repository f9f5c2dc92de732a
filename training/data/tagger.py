"""Nouns by part of speech: HanTa's English model (Wartena 2019, "A Probabilistic Morphology Model
for German Lemmatization"; tags of the British National Corpus) says what each word of a caption is.

HanTa is a package of its own (LGPL-3.0-or-later), installed on request and used only in training;
nothing of it is in a checkpoint or a bundle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any

from tqdm import tqdm

from runtime.cache import read_record, record_key, write_record
from runtime.errors import UserError

Runs = list[list[str]]
"""Of one caption: nouns that stand side by side ("fire hydrant"), each run in order, as singulars.
"""

MODEL = "morphmodel_en.pgz"
# To be counted up when the same captions give other runs.
RULES = 1
# Tags that go before a noun: articles, determiners, possessives, numbers, adjectives.
BEFORE_NOUNS = ("AT", "DT", "DPS", "CRD", "ORD", "POS", "AJ")
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*|'s|[,.;:!?()]")

# Plurals that name one thing.
PLURALS_OF_ONE = frozenset(
    """binoculars bleachers chaps clothes glasses goggles headphones jeans leggings overalls pajamas
    pants rapids scissors shorts stairs sunglasses tights trousers trunks woods""".split()
)
# What the tagger gets wrong, or has as words of their own.
SINGULARS = {"leaves": "leaf", "people": "person", "skis": "ski"}


class Tagger:
    """The tagger, ready to read captions.

    Raises:
        UserError: HanTa is not installed.
    """

    def __init__(self) -> None:
        self._tagger = load_tagger()
        self._alone: dict[str, str] = {}

    def runs_of(self, caption: str) -> Runs:
        """The nouns of a caption.

        >>> Tagger().runs_of("Two dogs near a fire hydrant's hose")  # doctest: +SKIP
        [['dog'], ['fire', 'hydrant'], ['hose']]
        """
        runs: Runs = [[]]
        words = _WORD.findall(caption.lower().replace("’", "'"))
        before = ""
        for word, lemma, tag in self._tagger.tag_sent(words) if words else ():
            if len(word) > 1 and tag.startswith("NN") and self._may_be_noun(word, before):
                runs[-1].append(singular(word, lemma, tag))
            else:
                runs.append([])
            before = tag
        return [run for run in runs if run]

    def _may_be_noun(self, word: str, before: str) -> bool:
        """Captions leave words out, and a verb behind a noun is soon taken for one ("dog runs
        past"). What is a verb by itself is a noun only where one is due; a color or the like also
        behind another noun ("fire hydrant").
        """
        alone = self._alone.get(word)
        if alone is None:
            alone = self._alone[word] = self._tagger.analyze(word)[1]
        if alone.startswith("N") or before.startswith(BEFORE_NOUNS):
            return True
        return alone.startswith("AJ") and before.startswith("NN")


def singular(word: str, lemma: str, tag: str) -> str:
    """The form that a noun is counted under.

    Args:
        word: as it stands, in small letters.
        lemma: what the tagger takes for its base form.
        tag: ``NN2`` is a plural.
    """
    if word in SINGULARS:
        return SINGULARS[word]
    if tag != "NN2" or word in PLURALS_OF_ONE:
        return word
    if word.endswith("s"):
        regular = {word[:-1], word[:-2], word[:-3] + "y", word[:-3] + "f", word[:-3] + "fe"}
        return lemma if lemma in regular or word.endswith("ss") else word[:-1]
    # "men", "feet"; but a skateboarder is no skateboard.
    return word if word in (lemma + "er", lemma + "r") or not lemma.isalpha() else lemma


@cache
def load_tagger() -> Any:
    """HanTa's tagger for English, once a process.

    Raises:
        UserError: it is not installed.
    """
    try:
        from HanTa.HanoverTagger import HanoverTagger
    except ImportError:
        raise UserError(
            "data.nouns is 'tagger', which needs HanTa: pip install 'HanTa>=1.2'; or train with "
            "--set data.nouns=phrases"
        ) from None
    return HanoverTagger(MODEL)


def tag_captions(captions: Iterable[str]) -> dict[str, Runs]:
    """The nouns of each caption; known ones come from the cache (``$MGCA_CACHE``).

    Args:
        captions: all that are to be tagged at once.

    Raises:
        UserError: HanTa is not installed.
    """
    wanted = sorted(set(captions))
    tagger = Tagger()
    key = record_key({"rules": RULES, "tagger": version("HanTa"), "captions": wanted})
    record = read_record("nouns", key)
    if record and len(record.get("runs", ())) == len(wanted):
        return dict(zip(wanted, record["runs"], strict=True))
    bar = tqdm(wanted, desc="finding nouns", delay=2, disable=None)
    runs = [tagger.runs_of(caption) for caption in bar]
    write_record("nouns", key, {"runs": runs})
    return dict(zip(wanted, runs, strict=True))
