"""The thread that posts what waits, again and again with growing pauses, and counts."""

from __future__ import annotations

import logging
import random
import threading
import time

from runtime.redaction import RedactingFilter
from runtime.sinks.webhook.mailbox import Letter, Mailbox
from runtime.sinks.webhook.post import Poster, RefusedError, UnreachableError

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
#: An event that is older is not news any more.
GIVE_UP_S = 3600.0
#: How long the end of a run waits for what is left.
LAST_WORDS_S = 3.0

__all__ = ["Carrier"]

log = logging.getLogger("mgca.sinks")
log.addFilter(RedactingFilter())


class Carrier:
    """Carries letters from a mailbox to a server.

    Attributes:
        delivered: letters that the server took.
        refused: letters that it did not want (4xx, redirects).
        lost: events that were given up.
        missed: frames that did not arrive; a newer one follows.
        retries: further attempts.
        problem: what went wrong last, "" while all is well.
    """

    def __init__(self, flag: str, poster: Poster) -> None:
        self.mailbox = Mailbox()
        self.delivered = self.refused = self.lost = self.missed = self.retries = 0
        self.problem = ""
        self._flag, self._poster = flag, poster
        self._warned: set[str] = set()
        self._hurry = threading.Event()
        self._give_up = threading.Event()
        self._in_work: Letter | None = None
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Carry what is left, for a few seconds; then count it as lost."""
        self.mailbox.close()
        self._hurry.set()
        self._thread.join(LAST_WORDS_S)
        self._give_up.set()
        self._poster.abort()
        self._thread.join(LAST_WORDS_S / 6)
        if self._thread.is_alive():  # in a connection attempt; it dies with the process
            in_work = self._in_work
            self.lost += in_work is not None and in_work.is_event
        self.lost += self.mailbox.count_events() + self.mailbox.overflowed

    def _run(self) -> None:
        while not self._give_up.is_set():
            letter = self._in_work = self.mailbox.take()
            if letter is None:
                return
            self._carry(letter)
            self._in_work = None

    def _carry(self, letter: Letter) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                self._poster.post(letter.body)
            except RefusedError as error:
                self.refused += 1
                self._complain("does not want what is sent", str(error))
                return
            except UnreachableError as error:
                self._complain("is away, it is tried again", str(error))
                if not self._may_try_again(letter, max(pause_s, error.wait_s)):
                    return
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            self._note_delivery()
            return

    def _may_try_again(self, letter: Letter, pause_s: float) -> bool:
        """Wait for the next attempt; False if there is none, and the letter is counted."""
        hurried = self._hurry.is_set()
        # Several that lost the same server should not come back at one moment.
        self._hurry.wait(pause_s * random.uniform(0.75, 1.25))
        if not letter.is_event:
            self.missed += 1
            return False
        too_old = time.monotonic() - letter.since > GIVE_UP_S
        if hurried or too_old or self._give_up.is_set():  # the end allows one more attempt
            self.lost += 1
            return False
        self.retries += 1
        return True

    def _note_delivery(self) -> None:
        self.delivered += 1
        if self._warned:
            log.warning("%s %s takes what is sent again", self._flag, self._poster.address.shown)
        self._warned.clear()
        self.problem = ""

    def _complain(self, what: str, reason: str) -> None:
        """Warn of each kind of problem once, until something arrives again."""
        self.problem = reason
        if what not in self._warned:
            shown = self._poster.address.shown
            log.warning("%s %s %s (%s)", self._flag, shown, what, reason)
        self._warned.add(what)
