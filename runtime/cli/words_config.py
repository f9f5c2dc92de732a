"""The part of the session config that says what to look for, and how scores become labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from runtime.bundle.limits import PRESENCE
from runtime.flag_values import number
from runtime.options import option
from runtime.text.template_sets import OWN

__all__ = ["WordsConfig"]


@dataclass(frozen=True)
class WordsConfig:
    """What to look for, what competes with it, and how scores decide."""

    #: At most one of these, as for the sources.
    ALTERNATIVES: ClassVar[tuple[str, ...]] = ("classes", "classes_file")

    classes: str | None = option(
        "the classes, with synonyms after '=': --classes 'person,vehicle=car|bus'", metavar="A,B"
    )
    classes_file: str | None = option(
        "the same, one class a line, # begins a remark: --classes-file street.txt", metavar="FILE"
    )
    background: str = option(
        "words that compete for the pixels of no class: --background wall,floor "
        "(default auto, the bundle's list; none: every pixel gets a class)",
        default="auto",
        metavar="auto|none|A,B",
    )
    templates: str = option(
        "what words are put into for the text encoder: --templates imagenet (default bundle, its "
        "own; or tcl, openai, words, captions, streetworld, a file with a template a line)",
        default=OWN,
        metavar="NAME|FILE",
    )
    exact_words: bool = option(
        "take words as they are typed, plurals and articles too, and let one be of a class and of "
        "the background: --exact-words",
        default=False,
        holds=bool,
    )
    logit_scale: float | None = option(
        "what similarities are multiplied by before probabilities are made of them: "
        "--logit-scale 40 (default: the bundle's)",
        metavar="S",
        holds=float,
        read=number(0.001, 10000),
    )
    threshold: float = option(
        "least probability of a pixel's class, below it is 255: --threshold 0.5 (default 0)",
        default=0.0,
        metavar="T",
        holds=float,
        read=number(0, 1),
    )
    background_threshold: float = option(
        "the same as published protocols have it, of a probability made at full size: "
        "--background-threshold 0.1 (default 0)",
        default=0.0,
        metavar="T",
        holds=float,
        read=number(0, 1),
    )
    background_probability: str = option(
        "which probability --background-threshold is held against: --background-probability "
        "sigmoid, each word by itself as TCL has it (default softmax, over all words)",
        default="softmax",
        choices=("softmax", "sigmoid"),
    )
    least_area: float = option(
        "of the pixels that any class has, the share that a class must have more of to be there: "
        "--least-area 0.1 (default 0)",
        default=0.0,
        metavar="A",
        holds=float,
        read=number(0, 1),
    )
    presence: float | None = option(
        "how far words that nothing in the picture shows step back, 0 not at all: --presence 1 "
        "(default: the bundle's)",
        metavar="P",
        holds=float,
        read=number(0, PRESENCE),
    )
    units: str = option(
        "what meets the text: --units pixel (default adaptive)",
        default="adaptive",
        choices=("adaptive", "pixel"),
    )
    allow_unknown: bool = option(
        "also take words the model never learned: --classes zebra --allow-unknown",
        default=False,
        holds=bool,
    )
