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
        return self._secret is None or _are_equal(given, self._secret)

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request shows the token (``Authorization: Bearer``) or the cookie."""
        if self._secret is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self.is_right(given.strip())
        cookie = self._shown_cookie(headers)
        return cookie is not None and _are_equal(cookie, self._cookie_value().encode())

    def is_guessed(self, headers: Mapping[str, str]) -> bool:
        """Whether a request that was not admitted showed something.

        A cookie as well: it follows from the token, so that who guesses one guesses the other.
        """
        return "authorization" in headers or self._shown_cookie(headers) is not None

    def _shown_cookie(self, headers: Mapping[str, str]) -> str | None:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self.cookie_name)
        except CookieError:
            return None
        return None if cookie is None else cookie.value

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


def _are_equal(given: str, wanted: bytes) -> bool:
    """Compare digests, so that not even the length shows in the time."""
    texts = (given.encode("utf-8", "surrogateescape"), wanted)
    return hmac.compare_digest(*(hashlib.sha256(text).digest() for text in texts))
