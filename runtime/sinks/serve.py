"""A page in the browser: live pictures, words to change, an API and metrics."""

from __future__ import annotations

import logging
import os
import re
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from runtime.errors import UserError
from runtime.options import option
from runtime.redaction import remember_secret
from runtime.serve.address import FLAG, Address, parse_address
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.registry import register

if TYPE_CHECKING:
    from runtime.events import Event
    from runtime.serve.server import Server
    from runtime.serve.tile import Tile
    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Source
    from runtime.stream.stream import Stream

TOKEN_VARIABLE = "MGCA_TOKEN"
SHORTEST_TOKEN = 6
#: The extra ``serve`` of pyproject.toml.
REQUIREMENTS = ("starlette>=0.40", "uvicorn>=0.35", "websockets>=13", "prometheus_client>=0.20")

log = logging.getLogger("mgca.serve")

__all__ = ["LivePage"]


@register
class LivePage(Sink):
    """One stream's tile on the page; all streams of a run with one address share a server."""

    key = "serve"
    place = 60
    queue_frames = 1  # what waits is only lag

    @dataclass(frozen=True)
    class Options:
        """Where, and the secret that opens it."""

        serve: str | None = option(
            "a live page, API and metrics: --serve 127.0.0.1:8080", metavar="HOST:PORT"
        )
        serve_token: str | None = option(
            "what opens them from other machines, better given as MGCA_TOKEN: "
            "--serve 0.0.0.0:8080 --serve-token '${PAGE_TOKEN}'",
            metavar="TOKEN",
            secret=True,
        )

    def __init__(self, address: Address, token: str | None) -> None:
        self.address = address
        self._token = token
        self._server: Server | None = None
        self._tile: Tile | None = None
        self._begun = False
        self._url = ""
        self._frames = 0

    @classmethod
    def from_options(cls, options: Options) -> LivePage | None:
        """One for ``--serve``; raises ``UserError`` without a token where one is needed."""
        if options.serve is None:
            if options.serve_token is not None:
                raise UserError("--serve-token opens nothing without --serve HOST:PORT; add it")
            return None
        address = parse_address(options.serve)
        token = _read_token(options.serve_token)
        if token is None and not address.is_loopback:
            raise UserError(
                f"{FLAG} {address} can be reached from other machines and needs a token: set "
                f"{TOKEN_VARIABLE} or --serve-token, or serve 127.0.0.1:{address.port}"
            )
        return cls(address, token)

    def check(self, claims: Claims) -> None:
        """Listen; raises ``UserError`` where the address is taken or a library is missing."""
        try:
            import_module("websockets")  # which uvicorn would look for too late
            from runtime.serve.server import acquire
        except ImportError as error:
            raise UserError(
                f"{FLAG} needs {error.name}, which is not installed; pip install "
                + " ".join(f"'{one}'" for one in REQUIREMENTS)
            ) from None
        self._server = acquire(self.address, self._token)
        self._url = self._server.url

    def attach(self, stream: Stream) -> None:
        """Put the stream on the page; the first one says where that is."""
        if self._server is None:
            return
        self._tile = self._server.board.add(stream)
        if not self._server.announced and log.isEnabledFor(logging.WARNING):  # not --quiet
            self._server.announced = True
            print(f"mgca-rt: serving {self._url}", file=sys.stderr, flush=True)

    def note(self, event: Event) -> None:
        """Write an event into the stream's list."""
        if self._tile is not None:
            self._tile.hear(event)

    def begin(self, source: Source) -> None:
        """Begin to draw."""
        self._begun = True
        if self._tile is not None:
            self._tile.painter.start()

    def write(self, item: SegmentedFrame) -> None:
        """Hand over one frame; whoever watches is not waited for."""
        if self._server is not None and self._tile is not None:
            self._server.board.show(self._tile, item)
            self._frames += 1

    def interrupt(self) -> None:
        """End what nothing else will: a server whose stream never began."""
        if not self._begun:
            self.close()

    def close(self) -> None:
        """Leave the page; the last stream ends its server."""
        if self._server is None:
            return
        from runtime.serve.server import release

        self._server = None
        if self._tile is not None:
            self._tile.end()
        release(self.address, self._token)

    def record(self) -> dict[str, Any] | None:
        """The address and the number of frames that could be watched."""
        return {"url": self._url, "frames": self._frames} if self._frames else None


def _read_token(given: str | None) -> str | None:
    """The token of the flag, of a variable that it names, or of the environment."""
    source, token = "--serve-token", given
    if token is None:
        source, token = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE) or None
    elif token.startswith("${") and token.endswith("}"):
        source = token[2:-1]
        token = os.environ.get(source)
        if token is None:
            raise UserError(f"--serve-token: the environment variable {source} is not set; set it")
    if token is None:
        return None
    if len(token) < SHORTEST_TOKEN or not re.fullmatch(r"[!-~]+", token):
        raise UserError(
            f"{source}: expected a token of {SHORTEST_TOKEN} letters, digits and signs or more, "
            "without blanks, such as openssl rand -hex 16 writes"
        )
    remember_secret(token)
    return token
