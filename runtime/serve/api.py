"""What programs and the page ask of the server: streams, words, settings, zones, events."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from runtime.bundle import name_key
from runtime.environment import installed_versions
from runtime.errors import UnknownClassError, UserError
from runtime.live_words import change_style, change_words
from runtime.rules.zone import change_zones
from runtime.serve.board import Board
from runtime.serve.openapi import describe_api
from runtime.serve.pixel import describe_pixel
from runtime.serve.refusal import Refusal
from runtime.serve.requests import (
    LONGEST_WORD,
    read_color,
    read_json,
    read_number,
    read_share,
    read_whole_number,
    read_words,
)
from runtime.serve.routes import Operation, Parameter
from runtime.serve.tile import Tile
from runtime.serve.token import Token
from runtime.serve.zones import read_zones
from runtime.text.known import known_words

MOST_SUGGESTIONS = 20

__all__ = ["Api"]


class Api:
    """The handlers of one server, and their table."""

    def __init__(self, board: Board, token: Token) -> None:
        self._board = board
        self._token = token
        self._version = installed_versions(["mgca"]).get("mgca", "unknown")
        self._known: tuple[str, ...] | None = None
        self._changing = asyncio.Semaphore(2)  # words that are encoded at once

    def operations(self) -> list[Operation]:
        """The table of its routes."""
        one = "/api/streams/{name}"
        ill_formed = (422, "The values are not what is expected.")
        return [
            Operation("GET", "/healthz", self.health, "Whether the process lives.", "Health",
                      is_open=True),
            Operation("GET", "/readyz", self.readiness, "Whether every stream has had a frame "
                      "lately.", "Health", refusals=((503, "Not yet, or not any more."),),
                      is_open=True),
            Operation("GET", "/metrics", self.metrics, "Figures for Prometheus.", "text/plain"),
            Operation("GET", "/api", self.server, "What this is.", "Server"),
            Operation("GET", "/api/openapi.json", self.document, "This document.",
                      "application/vnd.oai.openapi+json"),
            Operation("POST", "/api/login", self.login, "Show the token, get a cookie.", "Done",
                      "Login", refusals=((401, "The token is wrong."),), is_open=True),
            Operation("POST", "/api/logout", self.logout, "Take the cookie away.", "Done",
                      "Nothing", is_open=True),
            Operation("GET", "/api/words", self.words, "Known words that begin so.", "KnownWords",
                      query=(Parameter("prefix", "How they begin."),)),
            Operation("GET", "/api/streams", self.streams, "Every stream.", "Streams"),
            Operation("GET", one, self.stream, "One stream.", "Stream"),
            Operation("PUT", f"{one}/classes", self.change_classes, "Look for other classes from "
                      "the next frame on.", "Stream", "Words",
                      refusals=((422, "A word is unknown, with suggestions, or the list is "
                                 "ill-formed."),)),
            Operation("PATCH", f"{one}/settings", self.change_settings, "Change threshold, opacity "
                      "or colors.", "Stream", "Settings", refusals=(ill_formed,)),
            Operation("GET", f"{one}/zones", self.zones, "The zones of a stream.", "Zones"),
            Operation("PUT", f"{one}/zones", self.change_zones, "Replace them.", "Zones", "Zones",
                      refusals=(ill_formed,)),
            Operation("GET", f"{one}/pixel", self.pixel, "What stands behind a pixel of the newest "
                      "frame.", "Pixel", query=(
                          Parameter("x", "Share of the width.", "number", True, bounds=(0, 1)),
                          Parameter("y", "Share of the height.", "number", True, bounds=(0, 1))),
                      refusals=(ill_formed, (409, "No frame has come yet."))),
            Operation("GET", f"{one}/events", self.events, "Its last events.", "Events",
                      query=(Parameter("after", "Only those with larger numbers.", "integer"),)),
        ]  # fmt: skip

    async def health(self, request: Request) -> Response:
        """The process lives."""
        return JSONResponse({"ready": True})

    async def readiness(self, request: Request) -> Response:
        """Frames come."""
        ready = self._board.is_ready()
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Figures."""
        text = await run_in_threadpool(self._board.metrics.text)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def server(self, request: Request) -> Response:
        """What this is."""
        tiles = self._board.tiles
        bundle = tiles[0].stream.segmenter.bundle if tiles else None
        return JSONResponse(
            {
                "name": "MGCA Edge",
                "version": self._version,
                "bundle": None if bundle is None else bundle.id,
                "open_vocabulary": bundle is not None and bundle.manifest.trained_words is None,
                "streams": [tile.name for tile in tiles],
                "openapi": "/api/openapi.json",
            }
        )

    async def document(self, request: Request) -> Response:
        """The OpenAPI document."""
        document = describe_api(
            request.app.state.operations,
            self._version,
            [tile.name for tile in self._board.tiles],
            needs_token=self._token.is_needed,
        )
        return JSONResponse(document, media_type="application/vnd.oai.openapi+json")

    async def login(self, request: Request) -> Response:
        """Take the token, give a cookie."""
        given = (await read_json(request, frozenset({"token"}))).get("token")
        if not isinstance(given, str) or not self._token.is_right(given):
            await self._token.pause()
            raise Refusal(401, "the token is wrong; it is what --serve-token or MGCA_TOKEN says")
        headers = {"set-cookie": self._token.cookie()} if self._token.is_needed else None
        return JSONResponse({"done": True}, headers=headers)

    async def logout(self, request: Request) -> Response:
        """Take the cookie away."""
        await read_json(request, frozenset())
        return JSONResponse({"done": True}, headers={"set-cookie": self._token.no_cookie()})

    async def words(self, request: Request) -> Response:
        """Known words with a prefix; where there are none, words near it."""
        prefix = name_key(request.query_params.get("prefix", "")[:LONGEST_WORD])
        return JSONResponse(await run_in_threadpool(self._find_words, prefix))

    def _find_words(self, prefix: str) -> dict[str, Any]:
        tiles = self._board.tiles
        if not tiles:
            return {"words": [], "near": [], "known": False}
        embedder = tiles[0].stream.segmenter.text_embedder
        if self._known is None:
            self._known = tuple(known_words(embedder.bundle))
        found = [word for word in self._known if name_key(word).startswith(prefix)]
        near = [] if found or len(prefix) < 3 else embedder.nearest(prefix)
        known = bool(prefix) and embedder.is_known(prefix)
        return {"words": found[:MOST_SUGGESTIONS], "near": near, "known": known}

    async def streams(self, request: Request) -> Response:
        """Every stream."""
        return JSONResponse({"streams": [tile.describe() for tile in self._board.tiles]})

    async def stream(self, request: Request) -> Response:
        """One of them."""
        return JSONResponse(self._tile(request).describe())

    async def change_classes(self, request: Request) -> Response:
        """Look for other classes."""
        tile = self._tile(request)
        given = await read_json(request, frozenset({"classes", "background", "allow_unknown"}))
        classes = read_words(given.get("classes"), "classes")
        background = given.get("background")
        if background is not None and not isinstance(background, str):
            background = read_words(background, "background")
        unknown = given.get("allow_unknown")
        if unknown is not None and not isinstance(unknown, bool):
            raise Refusal(422, "allow_unknown: expected true or false")
        change = partial(change_words, tile.stream, classes, background, unknown)
        try:
            async with self._changing:
                await run_in_threadpool(change)
        except UnknownClassError as error:
            raise Refusal(422, _say_as_json(str(error)), error.near) from None
        except UserError as error:
            raise Refusal(422, _say_as_json(str(error))) from None
        return JSONResponse(tile.describe())

    async def change_settings(self, request: Request) -> Response:
        """Change threshold, opacity or colors; all of them or, where one is wrong, none."""
        tile = self._tile(request)
        stream = tile.stream
        given = await read_json(request, frozenset({"threshold", "opacity", "colors"}))
        shares = {name: read_share(given[name], name) for name in given if name != "colors"}
        colors = given.get("colors", {})
        if not isinstance(colors, dict):
            raise Refusal(422, "colors: expected an object of #rrggbb by class")
        for name in colors:
            if name not in stream.segmenter.class_names:
                raise Refusal(422, f"colors: {name[:LONGEST_WORD]!r} is not one of the classes")
        levels = {name: read_color(color) for name, color in colors.items()}
        change_style(
            stream,
            lambda style: style.with_colors(levels).with_opacity(
                shares.get("opacity", style.opacity)
            ),
        )
        stream.segmenter.threshold = shares.get("threshold", stream.segmenter.threshold)
        return JSONResponse(tile.describe())

    async def zones(self, request: Request) -> Response:
        """The zones."""
        return JSONResponse(_zones_of(self._tile(request)))

    async def change_zones(self, request: Request) -> Response:
        """Replace the zones."""
        tile = self._tile(request)
        given = await read_json(request, frozenset({"zones"}))
        change_zones(tile.stream, read_zones(given.get("zones")))
        return JSONResponse(_zones_of(tile))

    async def pixel(self, request: Request) -> Response:
        """What stands behind a pixel."""
        tile = self._tile(request)
        x, y = read_number(request, "x"), read_number(request, "y")
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise Refusal(422, "x and y: expected shares of width and height, 0 to 1")
        if tile.newest is None:
            raise Refusal(409, f"no frame of {tile.name} has come yet; try again")
        inside = (min(x, 0.999999), min(y, 0.999999))
        return JSONResponse(await run_in_threadpool(describe_pixel, tile.newest.result, *inside))

    async def events(self, request: Request) -> Response:
        """The last events."""
        entries = self._tile(request).journal.entries(read_whole_number(request, "after", 0))
        return JSONResponse({"events": [entry.record() for entry in entries]})

    def _tile(self, request: Request) -> Tile:
        return self._board.find(request.path_params["name"])


def _zones_of(tile: Tile) -> dict[str, Any]:
    return {"zones": [zone.record() for zone in tile.stream.zones]}


def _say_as_json(message: str) -> str:
    return message.replace("allow_unknown=True", '"allow_unknown": true')
