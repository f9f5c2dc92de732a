"""Pictures over HTTP: a stream of JPEGs for any browser or player, one JPEG, a snapshot, a clip."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from runtime.serve.board import Board
from runtime.serve.clip import CLIP_S, encode_clip
from runtime.serve.refusal import Refusal
from runtime.serve.requests import read_view, read_whole_number
from runtime.serve.routes import Operation, Parameter
from runtime.serve.tile import Tile
from runtime.serve.viewers import Channel
from runtime.serve.views import KINDS, WIDEST, WIDTHS, View

_BOUNDARY = "picture"

__all__ = ["Pictures"]


class Pictures:
    """The handlers of pictures, and their table."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._encoding = asyncio.Lock()

    def operations(self) -> list[Operation]:
        """The table of its routes."""
        one = "/api/streams/{name}"
        query = (
            Parameter("view", "What is drawn (default overlay).", choices=KINDS),
            Parameter(
                "width",
                f"Pixels across at most (default 640): {WIDTHS}.",
                "integer",
                bounds=(1, WIDEST),
            ),
            Parameter("word", "The word of the view similarity."),
        )
        wrong = ((422, "There is no such view."), (409, "There is nothing to show."))
        return [
            Operation("GET", f"{one}/video", self.video, "Pictures as they come (MJPEG).",
                      "multipart/x-mixed-replace", query=query,
                      refusals=(*wrong, (503, "Too many watch."))),
            Operation("GET", f"{one}/picture", self.picture, "The newest frame.", "image/jpeg",
                      query=query, refusals=wrong),
            Operation("GET", f"{one}/clip", self.clip, f"The last {CLIP_S:g} seconds (H.264).",
                      "video/mp4", refusals=((409, "No frame has come yet."),
                                             (503, "Another clip is being made."))),
            Operation("GET", f"{one}/events/{{number:int}}/snapshot", self.snapshot,
                      "What was seen when an event happened.", "image/jpeg",
                      refusals=((404, "There is none."),)),
        ]  # fmt: skip

    async def video(self, request: Request) -> Response:
        """Pictures, each as soon as it is there and the viewer has taken the last."""
        tile, view = self._read(request)
        wake = asyncio.Event()
        channel = self._board.viewers.watch(tile, view, wake)
        self._board.viewers.enter(wake)
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
        return _Watching(self._parts(channel, wake), self._board, channel, wake, kind)

    async def _parts(self, channel: Channel, wake: asyncio.Event) -> AsyncIterator[bytes]:
        sent = 0
        while not self._board.viewers.closed:
            if channel.number != sent:
                sent, jpeg = channel.number, channel.jpeg
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                yield head.encode() + b"\r\n\r\n" + jpeg + b"\r\n"
            await wake.wait()
            wake.clear()
        yield f"--{_BOUNDARY}--\r\n".encode()

    async def picture(self, request: Request) -> Response:
        """One picture."""
        tile, view = self._read(request)
        jpeg = await run_in_threadpool(tile.painter.draw_now, view)
        if jpeg is None:
            raise Refusal(409, f"no frame of {tile.name} has come yet; try again")
        return Response(jpeg, media_type="image/jpeg")

    async def clip(self, request: Request) -> Response:
        """The last seconds, one clip at a time: encoding takes what the model needs."""
        tile = self._board.find(request.path_params["name"])
        pictures = tile.painter.ring.pictures()
        if not pictures:
            raise Refusal(409, f"no frame of {tile.name} has come yet; try again")
        if self._encoding.locked():
            raise Refusal(503, "another clip is being made; try again in a few seconds")
        async with self._encoding:
            video = await run_in_threadpool(encode_clip, pictures)
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", tile.name) or "clip"
        headers = {"content-disposition": f'attachment; filename="{name}.mp4"'}
        return Response(video, media_type="video/mp4", headers=headers)

    async def snapshot(self, request: Request) -> Response:
        """The picture of an event."""
        tile = self._board.find(request.path_params["name"])
        entry = tile.journal.find(request.path_params["number"])
        if entry is None or entry.snapshot is None:
            raise Refusal(404, "this event has no picture (any more)")
        return Response(entry.snapshot, media_type="image/jpeg")

    def _read(self, request: Request) -> tuple[Tile, View]:
        tile = self._board.find(request.path_params["name"])
        query = request.query_params
        width = read_whole_number(request, "width", 640)
        return tile, read_view(tile, query.get("view", "overlay"), width, query.get("word", ""))


class _Watching(StreamingResponse):
    """A stream of pictures that is left when its viewer goes, even before the first of them."""

    def __init__(
        self,
        parts: AsyncIterator[bytes],
        board: Board,
        channel: Channel,
        wake: asyncio.Event,
        kind: str,
    ) -> None:
        super().__init__(parts, media_type=kind)
        self._leave = (board.viewers, channel, wake)

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        """Serve it (ASGI)."""
        viewers, channel, wake = self._leave
        try:
            await super().__call__(scope, receive, send)
        finally:
            viewers.leave(channel, wake)
            viewers.exit(wake)
