"""Who may use the server: the token, and the cookie that a browser gets for it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

#: A wrong token is answered after this time, and only so many at once: guessing takes for ever.
WRONG_TOKEN_S = 0.5
WRONG_AT_ONCE = 4
COOKIE_DAYS = 30

__all__ = ["Token"]


class Token:
    """The secret that opens the server, or None where it is open to all who can reach it.

    The cookie is derived from the token, so that it outlives a restart, and says nothing of it.
    """

    def __init__(self, secret: str | None, port: int) -> None:
        self._secret = None if secret is None else secret.encode()
        self.cookie_name = f"mgca_{port}"
        self._wrong = asyncio.Semaphore(WRONG_AT_ONCE)

    @property
    def is_needed(self) -> bool:
        """Whether there is one."""
        return self._secret is not None

    def is_right(self, given: str) -> bool:
        """Compare, in a time that says nothing."""
        if self._secret is None:
            return True
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._secret)

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request shows the token (``Authorization: Bearer``) or the cookie."""
        if self._secret is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self.is_right(given.strip())
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self.cookie_name)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(
            cookie.value.encode("utf-8", "surrogateescape"), self._cookie_value().encode()
        )

    async def pause(self) -> None:
        """Let who gave a wrong token wait."""
        async with self._wrong:
            await asyncio.sleep(WRONG_TOKEN_S)

    def cookie(self) -> str:
        """What to set in a browser that showed the token."""
        kept = f"{self.cookie_name}={self._cookie_value()}"
        return f"{kept}; Path=/; HttpOnly; SameSite=Strict; Max-Age={COOKIE_DAYS * 86400}"

    def no_cookie(self) -> str:
        """What takes the cookie away."""
        return f"{self.cookie_name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"

    def _cookie_value(self) -> str:
        assert self._secret is not None
        return hmac.new(self._secret, b"mgca page", hashlib.sha256).hexdigest()
