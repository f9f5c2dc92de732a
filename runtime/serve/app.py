"""The application: the page, the routes of the table, the WebSocket, all of it behind the gate."""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable
from importlib import resources

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute
from starlette.websockets import WebSocket

from runtime.serve.api import Api
from runtime.serve.board import Board
from runtime.serve.gate import Gate
from runtime.serve.live import LiveViewer
from runtime.serve.pictures import Pictures
from runtime.serve.refusal import Refusal
from runtime.serve.token import Token

__all__ = ["build_app", "page_files"]


def page_files() -> dict[str, bytes]:
    """The files that a browser loads, by name; read once, so that no request opens a file."""
    folder = resources.files("runtime.serve") / "page"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def build_app(board: Board, token: Token, host: str) -> Gate:
    """The application for one server."""
    operations = [*Api(board, token).operations(), *Pictures(board).operations()]
    pages = [_page_route(name, content) for name, content in page_files().items()]

    async def live(socket: WebSocket) -> None:
        await LiveViewer(socket, board).run()

    routes: list[BaseRoute] = [
        *(Route(one.path, one.handler, methods=[one.method]) for one in operations),
        WebSocketRoute("/api/live", live),
        *pages,
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={Refusal: _answer_refusal, HTTPException: _answer_error},  # type: ignore[dict-item]
    )
    app.state.operations = operations
    app.router.redirect_slashes = False
    open_paths = [*(page.path for page in pages), *(one.path for one in operations if one.is_open)]
    return Gate(app, token, host, open_paths)


def _page_route(name: str, content: bytes) -> Route:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kind = "text/javascript" if name.endswith(".js") else kind

    async def answer(request: Request) -> Response:
        return Response(content, media_type=kind)

    endpoint: Callable[[Request], Awaitable[Response]] = answer
    return Route("/" if name == "index.html" else f"/{name}", endpoint)


async def _answer_refusal(request: Request, refusal: Refusal) -> Response:
    return JSONResponse(refusal.record(), refusal.status)


async def _answer_error(request: Request, error: HTTPException) -> Response:
    """Of the router: nothing is there, or not by this method."""
    headers = error.headers
    if error.status_code == 405:
        headers = {"allow": ", ".join(sorted(_methods_at(request)))}
    return JSONResponse({"error": str(error.detail)}, error.status_code, headers)


def _methods_at(request: Request) -> set[str]:
    """All methods of a path; the router itself names those of the first route alone."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    found = (one.methods for one in routes if one.matches(request.scope)[0] is not Match.NONE)
    return {method for methods in found for method in methods or ()}
