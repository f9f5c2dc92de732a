"""How words are asked for: in which templates, and whether they are taken as they are typed."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.bundle import TemplateSet

__all__ = ["OWN_WORDING", "Wording"]


@dataclass(frozen=True)
class Wording:
    """What a word becomes before the text encoder sees it.

    Attributes:
        templates: what it is put into; None: the bundle's own.
        exact: whether it is taken as it is typed: a plural and an article make another word then,
            and a word may be a class and a background word at once.
    """

    templates: TemplateSet | None = None
    exact: bool = False


#: In the bundle's own templates, and with the tolerance that people need.
OWN_WORDING = Wording()
