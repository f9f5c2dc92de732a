"""Phrases on which a sentence encoder's precisions are compared: names in prompts, and captions."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["PHRASES", "parity_phrases"]

PHRASES = 1000
_PROMPTS = ("a photo of a {}.", "{}", "there is a {} in the picture.", "a small {}", "many {}s")
_CAPTIONS = (
    "A {} and a {} stand in front of a {} on a sunny day.",
    "Two people look at a {} beside the {} while a {} passes by.",
    "a black {} runs through the {} with a red {} in its mouth",
    "Children in bright clothes play with a {} near an old {} and a {}.",
    "An empty {} at night, lit by a {}; there's no {} to be seen.",
)


def parity_phrases(names: Sequence[str], count: int = PHRASES) -> list[str]:
    """``count`` phrases, the same every time: half of them names in prompts, half like captions.

    Args:
        names: class names, one or more.
        count: how many phrases.
    """
    phrases = []
    for index in range(count):
        turn = index // 2
        if index % 2 == 0:
            pattern, step = _PROMPTS[turn % len(_PROMPTS)], 1
        else:
            pattern, step = _CAPTIONS[turn % len(_CAPTIONS)], 7
        # Steps that share no factor with usual counts of names, so that pairs are varied.
        chosen = [names[(turn * step + 31 * place) % len(names)] for place in range(3)]
        phrases.append(pattern.format(*chosen))
    return phrases
