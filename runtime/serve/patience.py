"""How long the server waits for a request that comes slowly, or not at all.

uvicorn closes a connection that is quiet between two requests, and waits for ever for the rest of
one. As many such connections as may be open at once would keep everybody else out, without a token.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: From the connection, or the first byte of a further request, to the request's last byte.
REQUEST_S = 10.0

__all__ = ["REQUEST_S", "PatientProtocol"]


class PatientProtocol(H11Protocol):
    """HTTP/1.1 on one connection, which ends where a request is not whole in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request; wait on where it was not the last one."""
        super().data_received(data)
        state = self.conn.their_state
        begun = state is h11.IDLE and bool(self.conn.trailing_data[0])
        if begun or state is h11.SEND_BODY:
            self._wait()
        else:
            self._wait_no_longer()

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing to wait for."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(REQUEST_S, self.transport.abort)

    def _wait_no_longer(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
