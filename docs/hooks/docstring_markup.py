"""Turns what docstrings borrow from reStructuredText into Markdown, for the reference.

``:class:`~runtime.errors.UserError``` becomes `UserError`; a paragraph of ``>>>`` lines
becomes a block of code without doctest's flags.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r":[a-z]+:`(~?)([\w.]+)`")
FLAG = re.compile(r"[ \t]+# doctest: *\+\w+[ \t]*$", re.MULTILINE)
# Not those below "Example:", which are indented and known to be code.
DOCTEST = re.compile(r"^(>>> .*\n?(?:(?!\n).+\n?)*)", re.MULTILINE)


def to_markdown(text: str) -> str:
    """A docstring's text with roles and doctests in Markdown."""

    def name(role: re.Match[str]) -> str:
        return f"`{role[2].rsplit('.', 1)[-1] if role[1] else role[2]}`"

    text = FLAG.sub("", ROLE.sub(name, text))
    return DOCTEST.sub(lambda code: f"```pycon\n{code[1].rstrip()}\n```\n", text)


class Markup(Extension):
    """Applies :func:`to_markdown` to every docstring that griffe reads."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """One object was read (a griffe event)."""
        if obj.docstring is not None:
            obj.docstring.value = to_markdown(obj.docstring.value)
