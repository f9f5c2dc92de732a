"""A real HTTP server on this machine."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["QuietHandler", "serve_http"]


class QuietHandler(http.server.BaseHTTPRequestHandler):
    """Answers without a line on stderr for each request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve_http(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve in threads while the context is open; gives the server's address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
