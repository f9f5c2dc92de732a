"""One POST: what became of it, within a time that has an end."""

from __future__ import annotations

import base64
import http.client
import socket
import threading
from urllib.parse import quote

from runtime.address import NetworkAddress
from runtime.errors import describe_error

#: Of each step: the connection, each piece that is sent or read.
STEP_S = 5.0
#: Of a whole request, whatever comes in drops.
REQUEST_S = 15.0
LONGEST_ANSWER = 1 << 16
LONGEST_WAIT_S = 60.0
#: Answers that mean "later": too slow, too early, too many, and the server's own faults.
_LATER = frozenset({408, 425, 429})
_KEPT = "/%:@!$&'()*+,;=~-._?"

__all__ = ["Poster", "RefusedError", "UnreachableError"]


class RefusedError(Exception):
    """The server does not want it, and would not want it again."""


class UnreachableError(Exception):
    """It may work later.

    Attributes:
        wait_s: how long the server wants to be left alone, 0 if it does not say.
    """

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Poster:
    """Posts JSON to one address; a redirect is not followed, for it may lead to another host."""

    def __init__(self, address: NetworkAddress) -> None:
        self.address = address
        self._socket: socket.socket | None = None
        self._target = quote(address.path or "/", safe=_KEPT)
        if address.query:
            self._target += "?" + quote(address.query, safe=_KEPT)
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": "mgca-rt",
            "Connection": "close",
        }
        if address.user is not None:
            login = f"{address.user}:{address.password or ''}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(login).decode("ascii")

    def post(self, body: bytes) -> None:
        """Post, and wait for the answer.

        Raises:
            RefusedError: the server will not take it.
            UnreachableError: it may take it later.
        """
        deadline = threading.Timer(REQUEST_S, self.abort)
        deadline.daemon = True
        deadline.start()
        connection = self._connect()
        try:
            connection.connect()
            self._socket = connection.sock
            connection.request("POST", self._target, body, self._headers)
            answer = connection.getresponse()
            answer.read(LONGEST_ANSWER)
            wait_s = _read_seconds(answer.getheader("Retry-After"))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnreachableError(describe_error(error)) from None
        finally:
            deadline.cancel()
            self._socket = None
            connection.close()
        _judge(answer.status, answer.reason, wait_s)

    def abort(self) -> None:
        """End the request in work; from any thread."""
        at_work = self._socket
        if at_work is not None:
            try:
                at_work.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self.address.host, self.address.port
        if self.address.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=STEP_S)
        return http.client.HTTPConnection(host, port, timeout=STEP_S)


def _judge(status: int, reason: str, wait_s: float) -> None:
    if 200 <= status < 300:
        return
    said = f"{status} {reason}"
    if 300 <= status < 400:
        raise RefusedError(f"{said}: redirects are not followed, give the address they lead to")
    if status >= 500 or status in _LATER:
        raise UnreachableError(said, wait_s)
    raise RefusedError(said)


def _read_seconds(header: str | None) -> float:
    text = (header or "").strip()
    return min(float(text), LONGEST_WAIT_S) if text.isascii() and text.isdecimal() else 0.0
