"""What every request passes first: whose host it names, who sent it, how much it sends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from runtime.serve.address import is_loopback
from runtime.serve.refusal import Refusal
from runtime.serve.token import Token

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY_BYTES = 64 << 10
_READING = frozenset({"GET", "HEAD"})
_SELF_ONLY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
#: Nothing is fetched from elsewhere, nothing of this is shown or read elsewhere, nothing is kept.
HEADERS = {
    "content-security-policy": _SELF_ONLY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}

__all__ = ["LARGEST_BODY_BYTES", "Gate"]


class Gate:
    """Lets a request through to ``app``, or answers it.

    - Without a token only loopback names and numbers are taken for the host: a name that somebody
      else has pointed at this machine (DNS rebinding) is not. With one, the token is the guard.
    - What another site sends is refused: anything that its page embeds, and every change.
    - A body is short. That it is JSON, which no form of another site can send, is seen to where it
      is read (runtime.serve.requests).

    Args:
        app: what is behind it.
        token: who may enter.
        host: the host that the server was told to listen on.
        open_paths: paths that need no token.
    """

    def __init__(self, app: App, token: Token, host: str, open_paths: Collection[str]) -> None:
        self._app = app
        self._token = token
        self._host = host.lower()
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] not in ("http", "websocket"):
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            self._check_host(headers)
            self._check_sender(scope, headers)
            self._check_body(scope, headers)
            await self._check_token(scope, headers)
        except Refusal as refusal:
            await self._refuse(scope, send, refusal)
            return
        await self._app(scope, receive, _with_headers(send))

    def _check_host(self, headers: dict[str, str]) -> None:
        host = _host_of(headers.get("host", ""))
        if not host:
            raise Refusal(400, "the request names no host")
        if not self._token.is_needed and host != self._host and not is_loopback(host):
            raise Refusal(
                421, "this host name is not the server's; use localhost, or start with a token"
            )

    def _check_sender(self, scope: Scope, headers: dict[str, str]) -> None:
        """Refuse what another site's page sends."""
        site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in _READING
        if changes:
            foreign = origin is not None and _place_of(origin) != headers["host"].lower()
            if foreign or site not in ("none", "same-origin"):
                raise Refusal(403, "another site's page may not do this; use the server's own page")
        elif site == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            raise Refusal(403, "another site's page may not embed this")

    def _check_body(self, scope: Scope, headers: dict[str, str]) -> None:
        if scope["type"] == "websocket":
            return
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY_BYTES:
            raise Refusal(413, f"the body is too long; at most {LARGEST_BODY_BYTES} bytes")

    async def _check_token(self, scope: Scope, headers: dict[str, str]) -> None:
        if scope["path"] in self._open_paths or self._token.admits(headers):
            return
        if self._token.is_guessed(headers):
            await self._token.pause()
        raise Refusal(401, "the token is missing or wrong; send Authorization: Bearer TOKEN")

    async def _refuse(self, scope: Scope, send: Send, refusal: Refusal) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        from starlette.responses import JSONResponse

        headers = {"www-authenticate": "Bearer"} if refusal.status == 401 else None
        response = JSONResponse(refusal.record(), refusal.status, headers)
        # What is left of the body is not read: the connection ends with the answer.
        response.headers["connection"] = "close"
        await response(scope, _nothing, _with_headers(send))


def _with_headers(send: Send) -> Send:
    added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def send_with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return send_with_headers


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


def _host_of(header: str) -> str:
    """The host of a ``Host`` header, in lower case and without brackets."""
    host, colon, port = header.strip().lower().rpartition(":")
    if not colon or not port.isdecimal():
        host = header.strip().lower()
    return host.removeprefix("[").removesuffix("]")


def _place_of(origin: str) -> str:
    """Host and port of an ``Origin``; those of a scheme's own port have none."""
    return origin.partition("://")[2].lower()
