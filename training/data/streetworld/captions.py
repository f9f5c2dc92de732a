"""Sentences about a scene: only what is visible, never where in the image it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from training.data.streetworld.palette import CLASS_NAMES, COLORED, COLORS
from training.data.streetworld.rng import Rng


class Part(NamedTuple):
    """One visible thing: its noun, its color word if any, and its share of the pixels."""

    noun: str
    color: str | None
    share: float
    ground: str | None = None


_MASS = {"sky", "grass", "sand", "water", "pavement", "road", "sun"}
_PLURALS = {
    "person": "people",
    "bus": "buses",
    "building": "buildings",
    "tree": "trees",
    "pole": "poles",
    "sign": "signs",
    "fence": "fences",
    "car": "cars",
    "bicyclist": "bicyclists",
    "dog": "dogs",
    "boat": "boats",
    "flower": "flowers",
    "cloud": "clouds",
}
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "person": ("pedestrian",), "bicyclist": ("cyclist",), "pavement": ("sidewalk",),
    "building": ("house",), "road": ("street",),
}  # fmt: skip
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
_LIGHTS = {
    "night": ("at night", "in the dark"),
    "dusk": ("at dusk", "in the evening"),
    "fog": ("in the fog",),
    "day": ("on a bright day", "in daylight"),
    "overcast": ("on a grey day",),
}

# How eagerly a noun is named when it is visible: what is seen rarely is named more.
_EAGER: dict[str, float] = {
    "sky": 0.75,
    "road": 0.8,
    "pavement": 0.9,
    "grass": 0.9,
    "sand": 1.2,
    "water": 1.1,
    "building": 0.7,
    "tree": 0.8,
    "pole": 1.6,
    "sign": 1.4,
    "fence": 1.4,
    "car": 1.1,
    "bus": 1.9,
    "person": 1.0,
    "bicyclist": 1.5,
    "dog": 2.0,
    "boat": 1.5,
    "flower": 2.6,
    "sun": 4.0,
    "cloud": 1.0,
}

# A thing smaller than this share of the image is not spoken of.
_VISIBLE: dict[str, float] = {
    "sky": 0.02,
    "road": 0.03,
    "pavement": 0.02,
    "grass": 0.02,
    "sand": 0.03,
    "water": 0.03,
    "building": 0.02,
    "tree": 0.012,
    "pole": 0.006,
    "sign": 0.005,
    "fence": 0.012,
    "cloud": 0.012,
    "sun": 0.0028,
}

_ONE = (
    "{a}",
    "a photo of {a}",
    "a picture of {a}",
    "here is {a}",
    "{a} in a photo",
    "this is {a}",
    "a view of {a}",
    "an image of {a}",
    "we see {a}",
    "a photo showing {a}",
)
_TWO = (
    "{a} and {b}",
    "{a} with {b}",
    "a photo of {a} and {b}",
    "here are {a} and {b}",
    "a scene with {a} and {b}",
    "{a} near {b}",
    "a picture of {a} with {b}",
)
_ON = ("{a} on {b}", "a photo of {a} on {b}", "{a} is on {b}", "here is {a} on {b}")
_MANY = ("{a}", "a photo of {a}", "a scene with {a}", "we see {a}", "a picture with {a}")


def visible_parts(
    things: Sequence[tuple[str, str | None, str | None, float]], *, closely: bool = False
) -> list[Part]:
    """The things (noun, color, ground, share) that are large enough to be spoken of; who looks
    closely sees things of half the size.
    """
    least = 0.5 if closely else 1.0
    return [
        Part(noun, color, share, ground)
        for noun, color, ground, share in things
        if noun in CLASS_NAMES and share >= least * _VISIBLE.get(noun, 0.006)
    ]


def _article(phrase: str) -> str:
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _phrase(rng: Rng, noun: str, parts: Sequence[Part], night: bool) -> str:
    """A noun phrase for all visible things of one noun."""
    same = [part for part in parts if part.noun == noun]
    chosen = same[0] if len(same) == 1 else rng.pick(same)
    word = rng.pick(_SYNONYMS[noun]) if noun in _SYNONYMS and rng.chance(0.12) else noun
    colors = {part.color for part in same}
    color = chosen.color
    if night and rng.chance(0.6):
        color = None
    if noun in ("sky", "cloud") and rng.chance(0.4):
        color = None
    if noun in ("person", "bicyclist"):
        dressed = f" in {color}" if color and rng.chance(0.45) else ""
        if len(same) > 1 and word == noun and rng.chance(0.5) and not dressed:
            return _plural(rng, noun, len(same))
        return _article(word) + dressed
    speak_color = color is not None and rng.chance(
        0.75 if noun in COLORED and noun != "tree" else 0.4
    )
    if noun in _MASS:
        lead = "the " if rng.chance(0.35) or noun == "sun" or word == "street" else ""
        if word in ("street", "road") and not lead:
            lead = "a "
        return f"{lead}{color} {word}" if speak_color else lead + word
    if len(same) > 1 and word == noun and rng.chance(0.6):
        if speak_color and len(colors) == 1:
            return f"{color} {_PLURALS[noun]}"
        return _plural(rng, noun, len(same))
    return _article(f"{color} {word}" if speak_color else word)


def _plural(rng: Rng, noun: str, count: int) -> str:
    if count in _NUMBERS and rng.chance(0.5):
        return f"{_NUMBERS[count]} {_PLURALS[noun]}"
    return rng.pick(("{}", "some {}", "several {}") if count > 2 else ("{}", "some {}")).format(
        _PLURALS[noun]
    )


def _choose(rng: Rng, weights: dict[str, float], count: int) -> list[str]:
    left, chosen = dict(weights), []
    for _ in range(min(count, len(left))):
        noun = rng.weighted(left)
        del left[noun]
        chosen.append(noun)
    return chosen


def _sentence(rng: Rng, nouns: list[str], parts: Sequence[Part], night: bool) -> str:
    phrases = [_phrase(rng, noun, parts, night) for noun in nouns]
    if len(nouns) == 1:
        return rng.pick(_ONE).format(a=phrases[0])
    if len(nouns) == 2:
        stands = {part.ground for part in parts if part.noun == nouns[0]}
        if stands == {nouns[1]} and rng.chance(0.7):
            return rng.pick(_ON).format(a=phrases[0], b=phrases[1])
        return rng.pick(_TWO).format(a=phrases[0], b=phrases[1])
    joined = ", ".join(phrases[:-1]) + " and " + phrases[-1]
    return rng.pick(_MANY).format(a=joined)


def write_captions(
    rng: Rng, parts: Sequence[Part], time: str, *, everything: bool = False
) -> tuple[str, ...]:
    """Four to six captions; each names one to four of the visible nouns.

    Args:
        rng: decides what is said.
        parts: what is visible.
        time: the light, a key of ``_LIGHTS``.
        everything: leave no visible noun out: what the first captions do not name, further ones do,
            up to three nouns each. As long descriptions of an image do (Zheng et al. 2024,
            DreamLIP): what is not named is not there.
    """
    weights: dict[str, float] = {}
    for part in parts:
        weights[part.noun] = weights.get(part.noun, 0.0) + part.share
    weights = {noun: _EAGER[noun] * (0.35 + share**0.5) for noun, share in weights.items()}
    if not weights:
        return ("a photo",)
    captions = []
    unnamed = dict(weights)
    for _ in range(rng.integer(4, 6)):
        count = rng.weighted({1: 0.42, 2: 0.3, 3: 0.18, 4: 0.1})
        nouns = _choose(rng, weights, count)
        unnamed = {noun: weight for noun, weight in unnamed.items() if noun not in nouns}
        sentence = _sentence(rng, nouns, parts, time == "night")
        if rng.chance(0.15):
            sentence += " " + rng.pick(_LIGHTS[time])
        captions.append(sentence)
    while everything and unnamed:
        nouns = _choose(rng, unnamed, rng.integer(1, 3))
        unnamed = {noun: weight for noun, weight in unnamed.items() if noun not in nouns}
        captions.append(_sentence(rng, nouns, parts, time == "night"))
    return tuple(captions)


_NOUNS: dict[str, str] = {
    **{noun: noun for noun in CLASS_NAMES},
    **{plural: noun for noun, plural in _PLURALS.items()},
    **{word: noun for noun, words in _SYNONYMS.items() for word in words},
}


def noun_of_word(word: str) -> str | None:
    """The class that a caption's word stands for, if any."""
    return _NOUNS.get(word)


def vocabulary_words() -> list[str]:
    """Every noun, plural, synonym, color and color-noun pair a caption may hold."""
    words = list(CLASS_NAMES) + sorted(_PLURALS.values())
    words += [word for group in _SYNONYMS.values() for word in group]
    words += list(COLORS)
    words += [f"{color} {noun}" for noun, worn in COLORED.items() for color in worn
              if noun not in ("person", "bicyclist")]  # fmt: skip
    return list(dict.fromkeys(words))
