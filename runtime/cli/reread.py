"""SIGHUP: the words of ``--classes-file`` and ``--config`` are read again while frames go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from runtime.cli.opening import decide_by, read_wording
from runtime.errors import describe_error
from runtime.live_words import change_words

if TYPE_CHECKING:
    from runtime.cli.config import WordsConfig
    from runtime.stream.stream import Stream

__all__ = ["HangupListener", "reread_words"]

log = logging.getLogger("mgca.session")


class HangupListener:
    """While it is open, calls ``reread`` in a thread of its own whenever ``hangup`` is set.

    With None for ``hangup`` it does nothing. A signal that came earlier counts too.
    """

    def __init__(self, hangup: threading.Event | None, reread: Callable[[], None]) -> None:
        self._hangup = hangup
        self._reread = reread
        self._closed = False
        self._thread = threading.Thread(target=self._listen, name="hangup", daemon=True)

    def __enter__(self) -> HangupListener:
        if self._hangup is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        if self._hangup is not None:
            self._hangup.set()
            self._thread.join()

    def _listen(self) -> None:
        assert self._hangup is not None
        while self._hangup.wait() and not self._closed:
            self._hangup.clear()
            self._reread()


def reread_words(stream: Stream, read: Callable[[], tuple[WordsConfig, list[str]]]) -> None:
    """Give a stream the words that stand in its files now; what is wrong is warned of, no more.

    Args:
        stream: whose words.
        read: gives them, and the class list.
    """
    try:
        words, class_list = read()
        wording = read_wording(words)
        change_words(stream, class_list, words.background, words.allow_unknown, wording)
        decide_by(stream.segmenter, words)
    except Exception as error:
        reason = describe_error(error)
        log.warning("SIGHUP: %s; the words stay as they are", reason)
        stream.tell("words-refused", f"words of the files were refused: {reason}")
