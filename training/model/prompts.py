"""Prompt templates: a class name is the mean of the embeddings of these sentences about it."""

from __future__ import annotations

from runtime.text import template_sets
from runtime.text.template_sets import template_set
from training.model.clip import is_ours

#: Those that training and its evaluation can use; they normalise each prompt before the mean.
TEMPLATE_SETS = tuple(
    name for name in template_sets.TEMPLATE_SETS if not template_set(name).mean_first
)

__all__ = ["TEMPLATE_SETS", "templates_for"]


def templates_for(clip_name: str, chosen: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Name and sentences of the template set that suits a CLIP, or of the one that was chosen."""
    found = template_set(chosen or ("streetworld" if is_ours(clip_name) else "openai"))
    return found.name, found.prompts
