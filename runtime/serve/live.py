"""What the page hears over its WebSocket: states and events as text, pictures when it has room.

The page says ``{"watch": {"stream": …, "view": …, "width": …, "word": …}}``, and ``{"ready": …}``
for each picture of a stream that it has shown; until then at most two are on their way, so a slow
page or network skips pictures instead of lagging behind. A picture is a binary message: two bytes
for the length of a JSON head, the head, the JPEG.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from runtime.serve.board import Board
from runtime.serve.journal import Entry
from runtime.serve.refusal import Refusal
from runtime.serve.requests import read_view
from runtime.serve.tile import Tile
from runtime.serve.viewers import Channel

ON_THEIR_WAY = 2
STATE_S = 0.5
MOST_EVENTS_WAITING = 50

__all__ = ["LiveViewer"]


@dataclass
class _Watched:
    channel: Channel
    sent: int = 0
    room: int = ON_THEIR_WAY


class LiveViewer:
    """One page."""

    def __init__(self, socket: WebSocket, board: Board) -> None:
        self._socket = socket
        self._board = board
        self._wake = asyncio.Event()
        self._watched: dict[str, _Watched] = {}
        self._texts: deque[dict[str, Any]] = deque(maxlen=MOST_EVENTS_WAITING)
        self._state_at = 0.0

    async def run(self) -> None:
        """Serve it until it goes or the server ends."""
        await self._socket.accept()
        self._board.viewers.enter(self._wake)
        self._board.listeners.add(self)
        reading = asyncio.create_task(self._read())
        try:
            await self._send(reading)
        except (WebSocketDisconnect, RuntimeError):
            pass  # it went while something was sent
        finally:
            reading.cancel()
            self._board.listeners.discard(self)
            self._board.viewers.exit(self._wake)
            for name in tuple(self._watched):
                self._leave(name)
            with contextlib.suppress(Exception):
                await self._socket.close()

    def hear(self, tile: Tile, entry: Entry) -> None:
        """An event of a stream; the page asks for the snapshot a moment later."""
        self._texts.append({"event": {**entry.record(), "stream": tile.name}})
        self._state_at = 0.0
        self._wake.set()

    async def _send(self, reading: asyncio.Task[None]) -> None:
        while not self._board.viewers.closed and not reading.done():
            self._wake.clear()
            await self._send_texts()
            for watched in tuple(self._watched.values()):
                await self._send_picture(watched)
            rest_s = self._state_at + STATE_S - time.monotonic()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(rest_s, 0.01))

    async def _send_texts(self) -> None:
        while self._texts:
            await self._socket.send_text(json.dumps(self._texts.popleft()))
        now = time.monotonic()
        if now - self._state_at >= STATE_S:
            self._state_at = now
            await self._socket.send_text(self._board.states_text())

    async def _send_picture(self, watched: _Watched) -> None:
        channel = watched.channel
        if not watched.room or channel.number == watched.sent:
            return
        watched.room -= 1
        watched.sent = channel.number
        head = json.dumps({"stream": channel.tile.name, "view": channel.view.kind}).encode()
        await self._socket.send_bytes(len(head).to_bytes(2, "big") + head + channel.jpeg)

    async def _read(self) -> None:
        """Take what the page says, until it goes or says what cannot be understood."""
        try:
            while True:
                self._take(json.loads(await self._socket.receive_text()))
        except (
            WebSocketDisconnect,
            RuntimeError,
            ValueError,
            LookupError,
            TypeError,
            ArithmeticError,
        ):
            pass
        finally:
            self._wake.set()

    def _take(self, said: Any) -> None:
        if not isinstance(said, dict):
            raise TypeError("expected an object")
        if "ready" in said:
            watched = self._watched.get(said["ready"])
            if watched is not None:
                watched.room = min(watched.room + 1, ON_THEIR_WAY)
        if "leave" in said:
            self._leave(said["leave"])
        if "watch" in said:
            try:
                self._watch(said["watch"])
            except Refusal as refusal:
                self._texts.append({"refused": refusal.text})
        self._wake.set()

    def _watch(self, asked: dict[str, Any]) -> None:
        tile = self._board.find(str(asked["stream"]))
        width, word = float(asked.get("width", 640)), str(asked.get("word", ""))
        view = read_view(tile, str(asked.get("view", "overlay")), width, word)
        before = self._watched.get(tile.name)
        if before is not None and before.channel.view == view:
            return
        self._leave(tile.name)
        self._watched[tile.name] = _Watched(self._board.viewers.watch(tile, view, self._wake))

    def _leave(self, name: str) -> None:
        watched = self._watched.pop(name, None)
        if watched is not None:
            self._board.viewers.leave(watched.channel, self._wake)
