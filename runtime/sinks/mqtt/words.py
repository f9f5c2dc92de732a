"""Other words while the run goes on, asked for by a message: encoded in a thread of their own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from runtime.errors import describe_error
from runtime.live_words import change_words
from runtime.redaction import redact

if TYPE_CHECKING:
    from runtime.stream.stream import Stream

LONGEST_BYTES = 1 << 16
SHOWN_LETTERS = 200

__all__ = ["WordChanger"]


class WordChanger:
    """Takes the newest wish and sets it; neither the frames nor the network wait for it.

    The answer is an event of the stream: ``words-changed``, or ``words-refused`` with the reason,
    which names the nearest words that are known.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._changed = threading.Condition()
        self._wish: bytes | None = None
        self._over = False
        self._thread = threading.Thread(target=self._run, name="words", daemon=True)
        self._thread.start()

    def ask(self, payload: bytes) -> None:
        """Ask for classes, ``person,vehicle=car|bus`` in UTF-8; returns at once."""
        with self._changed:
            self._wish = payload
            self._changed.notify()

    def stop(self) -> None:
        """Take no more wishes; one in work is finished by itself."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._wish is None and not self._over:
                    self._changed.wait()
                if self._over:
                    return
                wish, self._wish = self._wish, None
            assert wish is not None
            self._set(wish)

    def _set(self, payload: bytes) -> None:
        asked = payload[:SHOWN_LETTERS].decode("utf-8", "replace")
        try:
            if len(payload) > LONGEST_BYTES:
                raise ValueError(f"{len(payload)} bytes are more than a class list can have")
            change_words(self._stream, payload.decode("utf-8"))
        except Exception as error:  # what another program sends ends nothing here
            self._stream.tell("words-refused", describe_error(error), asked=redact(asked))
