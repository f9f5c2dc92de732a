"""How a web server marks where an answer ends."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from urllib.request import Request

__all__ = ["says_where_it_ends"]


def says_where_it_ends(url: str, timeout_s: float) -> bool:
    """Whether an HTTP server ends its answer by a mark of its own, in chunks or by a length.

    FFmpeg does not tell. An answer that ends with its connection may as well have broken off
    (RFC 9112, 6.3). Only the head of the answer is read; False where there is none.

    Args:
        url: the address, with user and password where it needs them.
        timeout_s: how long the server may take.
    """
    # Asked of few sources: what it takes is two megabytes that a file or a camera need not load.
    import ssl
    import urllib.error
    import urllib.request

    unchecked = ssl.create_default_context()  # as FFmpeg does by default
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(_request(url), timeout=timeout_s, context=unchecked) as answer:
            chunked = answer.headers.get("Transfer-Encoding", "").lower() == "chunked"
            return chunked or answer.headers.get("Content-Length") is not None
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _request(url: str) -> Request:
    """A request for an address, its user and password as a header; raises ``ValueError``."""
    from urllib.request import Request

    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    headers = {"User-Agent": "Lavf"}  # FFmpeg's: some servers answer others with a page
    if at:
        token = base64.b64encode(unquote(login).encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    return Request(urlunsplit(parts._replace(netloc=host)), headers=headers)
