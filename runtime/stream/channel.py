"""A bounded hand-over between two threads that waits, or drops what is old."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")

__all__ = ["Channel", "Ended"]


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

    def put_or_drop(self, item: Item) -> list[Item]:
        """Hand over ``item`` at once; gives what was dropped for it: the oldest if there is no
        room, ``item`` itself if the channel was cancelled.
        """
        with self._changed:
            if self._cancelled:
                return [item]
            dropped = [self._items.popleft()] if len(self._items) >= self._size else []
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

    def newest(self) -> Item | None:
        """The item handed over last, if it still waits; it stays."""
        with self._changed:
            return self._items[-1] if self._items and not self._cancelled else None

    def has_room(self) -> bool:
        """Whether :meth:`put` would return at once; only the one sender can rely on it."""
        with self._changed:
            return self._cancelled or len(self._items) < self._size

    def is_over(self) -> bool:
        """Whether :meth:`get` would raise :class:`Ended`."""
        with self._changed:
            return self._cancelled or (self._ended and not self._items)

    def end(self) -> None:
        """The sender is done; what is in the channel can still be taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def cancel(self) -> list[Item]:
        """Both sides stop at once; gives what was in the channel, which nobody will take."""
        with self._changed:
            self._cancelled = True
            left = list(self._items)
            self._items.clear()
            self._changed.notify_all()
        return left
