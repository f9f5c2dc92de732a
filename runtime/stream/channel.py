"""A bounded hand-over between two threads that either waits or keeps only the newest."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ended(Exception):
    """Nothing more will come: the sender has ended, or the channel was cancelled."""


class Channel(Generic[Item]):
    """One sender, one receiver, at most ``size`` items between them."""

    def __init__(self, size: int) -> None:
        self._items: deque[Item] = deque()
        self._size = size
        self._changed = threading.Condition()
        self._ended = False
        self._cancelled = False

    def put(self, item: Item) -> bool:
        """Hand over ``item``, waiting for room; False if the channel was cancelled."""
        with self._changed:
            while len(self._items) >= self._size and not self._cancelled:
                self._changed.wait()
            if self._cancelled:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def put_newest(self, item: Item) -> int:
        """Hand over ``item`` at once in place of all that still wait; how many were dropped."""
        with self._changed:
            dropped = len(self._items)
            self._items.clear()
            self._items.append(item)
            self._changed.notify_all()
        return dropped

    def get(self, timeout_s: float | None = None) -> Item | None:
        """The next item, or None after ``timeout_s``; raises :class:`Ended` when all is over."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while not self._items or self._cancelled:
                if self._ended or self._cancelled:
                    raise Ended
                rest = None if deadline is None else deadline - time.monotonic()
                if rest is not None and rest <= 0:
                    return None
                self._changed.wait(rest)
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def end(self) -> None:
        """The sender is done; what is in the channel can still be taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Both sides stop at once; what is in the channel is lost."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()
