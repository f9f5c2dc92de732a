"""Other words while a stream runs: one way for the page, its API, a broker and SIGHUP.

Words are embedded in the thread that asks, by the text encoder, which is no part of the frame path:
frames go on with the old list until the new one stands as a whole, and the first frame whose
inference begins after that has it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from runtime.text.wording import OWN_WORDING, Wording

if TYPE_CHECKING:
    from runtime.draw.style import DrawingStyle
    from runtime.stream.stream import Stream
    from runtime.text.queries import TextQueries

__all__ = ["change_style", "change_words"]

_changing = threading.Lock()  # of words, one after another: each is encoded as a whole
_styling = threading.Lock()  # short, for a style is read and replaced


def change_words(
    stream: Stream,
    classes: str | Sequence[str],
    background: str | Sequence[str] | None = None,
    allow_unknown: bool | None = None,
    wording: Wording | None = None,
) -> TextQueries:
    """Give a running stream another class list; from any thread.

    Classes that stay keep their color.

    Every sink hears of a ``words-changed`` event, unless the list is what it was.

    Args:
        stream: whose words.
        classes: as :meth:`runtime.Segmenter.set_classes` takes them.
        background: the same; None keeps what was asked for before.
        allow_unknown: the same.
        wording: the same.

    Raises:
        UserError: the list is ill-formed; the one before stays, here and below.
        UnknownClassError: a word is unknown; ``near`` has known ones of nearly its meaning.
    """
    segmenter = stream.segmenter
    with _changing:
        before = segmenter.classes
        if background is None:
            background = "auto" if before is None else before.background_asked
        if allow_unknown is None:
            allow_unknown = before is not None and before.allow_unknown
        if wording is None:
            wording = OWN_WORDING if before is None else before.wording
        queries = segmenter.model.prepare_queries(classes, background, allow_unknown, wording)
        if before is not None:
            # Colors first: a frame may be labelled with the new list the moment that it stands.
            names = (before.class_names, queries.class_names)
            change_style(stream, lambda style: style.keeping_colors(*names))
        segmenter.classes = queries
    if before is None or _said(before) != _said(queries):
        entries = [str(entry) for entry in queries.asked]
        stream.tell(
            "words-changed",
            f"looking for {', '.join(queries.class_names)}",
            classes=entries,
            background=list(queries.background),
        )
    return queries


def change_style(stream: Stream, change: Callable[[DrawingStyle], DrawingStyle]) -> None:
    """Replace a stream's colors and opacity by what ``change`` makes of them; from any thread."""
    with _styling:
        stream.style = change(stream.style)


def _said(queries: TextQueries) -> tuple[object, ...]:
    return queries.asked, queries.background, queries.wording
