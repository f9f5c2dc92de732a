"""Who watches what: pictures go from a stream's thread to all that watch the same view of it.

Everything but :meth:`Viewers.post` runs in the server's event loop. A viewer that is slow finds the
newest picture when it comes back, and never those between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from runtime.serve.refusal import Refusal
from runtime.serve.views import View

if TYPE_CHECKING:
    from runtime.serve.tile import Tile

MOST_VIEWERS = 256
#: Different views of one stream at once: each one costs a drawing and an encoding a frame.
MOST_VIEWS = 8

__all__ = ["Channel", "Viewers"]


class Channel:
    """One view of one stream.

    Attributes:
        number: of the newest picture, counted from 1; 0 while there is none.
        jpeg: that picture.
        watching: what to set when one comes, for each who watches.
    """

    def __init__(self, tile: Tile, view: View) -> None:
        self.tile = tile
        self.view = view
        self.number = 0
        self.jpeg = b""
        self.watching: list[asyncio.Event] = []


class Viewers:
    """All who watch, of all streams."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.closed = False
        self._loop = loop
        self._channels: dict[tuple[str, View], Channel] = {}
        self._everybody: set[asyncio.Event] = set()

    def watch(self, tile: Tile, view: View, wake: asyncio.Event) -> Channel:
        """Begin to watch; ``wake`` is set at each new picture. Raises ``Refusal``."""
        channel = self._channels.get((tile.name, view))
        if self.count() >= MOST_VIEWERS:
            raise Refusal(503, f"{MOST_VIEWERS} viewers are watching already; try again later")
        if channel is None:
            if len(self._views_of(tile)) >= MOST_VIEWS:
                raise Refusal(503, f"{MOST_VIEWS} other views of {tile.name} are being watched")
            channel = self._channels[tile.name, view] = Channel(tile, view)
        channel.watching.append(wake)
        tile.painter.want(self._views_of(tile))
        return channel

    def leave(self, channel: Channel, wake: asyncio.Event) -> None:
        """Watch no longer; a view that nobody watches is not drawn any more."""
        channel.watching.remove(wake)
        if not channel.watching:
            del self._channels[channel.tile.name, channel.view]
            channel.tile.painter.want(self._views_of(channel.tile))

    def count(self, tile: Tile | None = None) -> int:
        """How many watch a stream, or any."""
        return sum(
            len(channel.watching)
            for channel in tuple(self._channels.values())
            if tile in (None, channel.tile)
        )

    def post(self, tile: Tile, pictures: Mapping[View, bytes]) -> None:
        """Hand over the pictures of one frame; from any thread."""
        self.call(lambda: self._deliver(tile, pictures))

    def call(self, work: object) -> None:
        """Run something in the event loop, if it still runs; from any thread."""
        try:
            self._loop.call_soon_threadsafe(work)  # type: ignore[arg-type]
        except RuntimeError:
            pass  # the server has ended

    def enter(self, wake: asyncio.Event) -> None:
        """Be woken when the server ends."""
        self._everybody.add(wake)

    def exit(self, wake: asyncio.Event) -> None:
        """The opposite."""
        self._everybody.discard(wake)

    def close(self) -> None:
        """Tell all who watch that nothing more will come."""
        self.closed = True
        for wake in self._everybody:
            wake.set()

    def _deliver(self, tile: Tile, pictures: Mapping[View, bytes]) -> None:
        for view, jpeg in pictures.items():
            channel = self._channels.get((tile.name, view))
            if channel is not None:
                channel.jpeg = jpeg
                channel.number += 1
                _wake(channel.watching)

    def _views_of(self, tile: Tile) -> frozenset[View]:
        return frozenset(view for name, view in self._channels if name == tile.name)


def _wake(events: Iterable[asyncio.Event]) -> None:
    for event in events:
        event.set()
