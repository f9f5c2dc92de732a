"""Why weights do not go into a model, in one short phrase.

PyTorch lists every weight's name: thousands of characters for a CLIP, where a count and one name
say as much.
"""

from __future__ import annotations

import re

# (what PyTorch calls it, what we call it); each name stands in quotes, or after "mismatch for".
_KINDS = (
    (re.compile(r"Missing key\(s\) in state_dict: (.*)"), "missing"),
    (re.compile(r"Unexpected key\(s\) in state_dict: (.*)"), "left over"),
)
_OF_ANOTHER_SHAPE = re.compile(
    r"size mismatch for (\S+): copying a param with shape torch\.Size\((\[[\d, ]*\])\) from "
    r"checkpoint, the shape in current model is torch\.Size\((\[[\d, ]*\])\)"
)
_LONGEST_NAME, _LONGEST_REASON = 60, 200

__all__ = ["describe_misfit"]


def describe_misfit(error: Exception) -> str:
    """Say in under 300 characters how many weights are missing, left over or of another shape.

    Args:
        error: what ``load_state_dict`` raised, or any other error on the way to it.

    Returns:
        For instance ``2 weights are missing (first: conv1.weight), 1 is of another shape (first:
        proj, [3, 4] instead of [3, 5])``; for other errors the beginning of what they say.
    """
    text = str(error)
    found = []
    for pattern, what in _KINDS:
        match = pattern.search(text)
        names = re.findall(r'"([^"]+)"', match[1]) if match else []
        if names:
            found.append((len(names), what, _cut(names[0], _LONGEST_NAME)))
    shapes = _OF_ANOTHER_SHAPE.findall(text)
    if shapes:
        name, there, wanted = shapes[0]
        first = f"{_cut(name, _LONGEST_NAME)}, {there} instead of {wanted}"
        found.append((len(shapes), "of another shape", first))
    phrases = [
        f"{count} {'is' if count == 1 else 'are'} {what} (first: {first})"
        for count, what, first in found
    ]
    if phrases:
        phrases[0] = phrases[0].replace(" ", f" weight{'s' if found[0][0] > 1 else ''} ", 1)
        return ", ".join(phrases)
    # A KeyError's text is only the key.
    said = repr(error) if isinstance(error, KeyError) else text.strip() or type(error).__name__
    return _cut(" ".join(said.split()), _LONGEST_REASON)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
