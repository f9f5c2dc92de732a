"""All that one server shows: the tiles of its streams, who watches them, their figures."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from runtime.serve.metrics import Metrics
from runtime.serve.refusal import Refusal
from runtime.serve.tile import Tile
from runtime.serve.viewers import Viewers
from runtime.serve.views import View

if TYPE_CHECKING:
    from runtime.serve.journal import Entry
    from runtime.sinks.base import SegmentedFrame
    from runtime.stream.stream import Stream

#: Pages that ask within this time get one answer.
STATES_FRESH_S = 0.2

__all__ = ["Board", "Listener"]


class Listener(Protocol):
    """Who hears of events, in the server's event loop."""

    def hear(self, tile: Tile, entry: Entry) -> None:
        """An event of a stream."""


class Board:
    """The streams of one server, by name.

    Attributes:
        viewers: who watches.
        metrics: what a monitor reads.
        listeners: who hears of events; for the event loop alone.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.viewers = Viewers(loop)
        self.metrics = Metrics(lambda: self.tiles, self.viewers.count)
        self.listeners: set[Listener] = set()
        self._tiles: dict[str, Tile] = {}
        self._changing = threading.Lock()
        self._states = ""
        self._states_until = 0.0

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """Every stream, in the order in which they came."""
        return tuple(self._tiles.values())

    def add(self, stream: Stream) -> Tile:
        """A tile for a stream; a name that is there already gets a number."""
        with self._changing:
            name = wanted = stream.name or stream.source.kind
            number = 1
            while name in self._tiles:
                number += 1
                name = f"{wanted}-{number}"
            tile = Tile(name, stream, self._post, self._tell)
            self._tiles = {**self._tiles, name: tile}
        return tile

    def show(self, tile: Tile, item: SegmentedFrame) -> None:
        """Take a stream's next frame."""
        self.metrics.observe(tile.name, item.latency_ms)
        tile.show(item)

    def find(self, name: str) -> Tile:
        """The stream of a name; raises ``Refusal``."""
        tile = self._tiles.get(name)
        if tile is None:
            known = ", ".join(self._tiles) or "none yet"
            raise Refusal(404, f"no stream is called {name!r}; expected one of: {known}")
        return tile

    def states_text(self) -> str:
        """What every stream says of itself, for all pages that ask at about the same time."""
        now = time.monotonic()
        if now >= self._states_until:
            self._states_until = now + STATES_FRESH_S
            self._states = json.dumps({"streams": [tile.describe() for tile in self.tiles]})
        return self._states

    def forget_states(self) -> None:
        """Something has changed that pages should hear of at once."""
        self._states_until = 0.0

    def is_ready(self) -> bool:
        """Whether every stream that has not ended had a frame lately, and there is one."""
        running = [tile for tile in self.tiles if tile.state.word(False) != "ended"]
        return bool(running) and all(tile.state.is_ready() for tile in running)

    def _post(self, tile: Tile, pictures: Mapping[View, bytes]) -> None:
        self.viewers.post(tile, pictures)

    def _tell(self, tile: Tile, entry: Entry) -> None:
        def tell() -> None:
            self.forget_states()
            for listener in tuple(self.listeners):
                listener.hear(tile, entry)

        self.viewers.call(tell)
