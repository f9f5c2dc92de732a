"""The server: one for each address in a process, in a thread of its own, shared by streams."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from dataclasses import dataclass

import uvicorn

from runtime.errors import MgcaError, describe_error
from runtime.redaction import RedactingFilter
from runtime.serve.address import Address, bind, bracketed
from runtime.serve.app import build_app
from runtime.serve.board import Board
from runtime.serve.patience import PatientProtocol
from runtime.serve.token import Token

#: How long open requests may take to end when the server does.
END_S = 1
START_S = 10.0
MOST_CONNECTIONS = 512
LARGEST_MESSAGE_BYTES = 4096

log = logging.getLogger("mgca.serve")
log.addFilter(RedactingFilter())

__all__ = ["Server", "acquire", "release"]


class Server:
    """Listens from the moment that it is made.

    Attributes:
        url: of the page.
        announced: whether the user was told of it.
        board: its streams; there once :meth:`start` has returned.
    """

    board: Board

    def __init__(self, address: Address, token: str | None) -> None:
        self._address = address
        self._secret = token
        self._socket = bind(address)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://{bracketed(address.host)}:{self.port}/"
        self.announced = False
        self._uvicorn: uvicorn.Server | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="serve", daemon=True)

    def start(self) -> None:
        """Answer requests from now on; raises ``MgcaError`` if nothing does."""
        self._thread.start()
        if not self._started.wait(START_S) or self._uvicorn is None:
            raise MgcaError(f"--serve {self._address}: the server did not start")

    def close(self) -> None:
        """Let every viewer go, and end."""
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True
            self.board.viewers.call(self.board.viewers.close)
            self._thread.join(END_S + 4)
        self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:
            log.exception("the server of %s ended", self.url)
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self.board = Board(asyncio.get_running_loop())
        token = Token(self._secret, self.port)
        _hear_uvicorn()
        config = uvicorn.Config(
            build_app(self.board, token, self._address.host),
            http=PatientProtocol,
            ws="websockets-sansio",
            ws_max_size=LARGEST_MESSAGE_BYTES,
            ws_per_message_deflate=False,  # JPEGs do not get smaller
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=END_S,
        )
        self._uvicorn = _Quiet(config, self._started)
        await self._uvicorn.serve([self._socket])


class _Forward(logging.Handler):
    """Passes what uvicorn could not handle on to our log; what clients do wrong is no matter."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        reason = "" if error is None else f": {describe_error(error)}"
        log.error("%s%s", record.getMessage().strip(), reason)


def _hear_uvicorn() -> None:
    theirs = logging.getLogger("uvicorn.error")
    theirs.handlers[:] = [_Forward(logging.ERROR)]
    theirs.propagate = False


class _Quiet(uvicorn.Server):
    """Says when it has started; leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._says_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._says_started.set()


@dataclass
class _Shared:
    server: Server
    users: int


_shared: dict[tuple[Address, str | None], _Shared] = {}
_sharing = threading.Lock()


def acquire(address: Address, token: str | None) -> Server:
    """The process's server at an address, started by the first who asks; raises ``UserError``."""
    with _sharing:
        shared = _shared.get((address, token))
        if shared is None:
            server = Server(address, token)
            server.start()
            shared = _shared[address, token] = _Shared(server, 0)
        shared.users += 1
        return shared.server


def release(address: Address, token: str | None) -> None:
    """Use it no longer; the last who does ends it."""
    with _sharing:
        shared = _shared[address, token]
        shared.users -= 1
        if shared.users:
            return
        del _shared[address, token]
    shared.server.close()
