"""The table of routes: what the server answers, and what its OpenAPI document says of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]

#: What the gate and the router answer, whatever is asked for.
_EVERY = (
    (400, "The request names no host, or is ill-formed."),
    (403, "Another site's page sent it."),
    (413, "The body is too long."),
    (421, "The host that it names is not this server's."),
)
_WITHOUT_TOKEN = (401, "The token is missing or wrong.")
_NO_STREAM = (404, "No stream has this name.")
_NOT_JSON = (415, "The body is not JSON.")
_WRONG = (422, "The values are not what is expected.")

__all__ = ["Operation", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """A value in a path or behind the question mark.

    Attributes:
        name: its name.
        summary: what it says.
        kind: ``string``, ``number`` or ``integer``.
        required: whether it must be given; those of a path are.
        choices: its only values, empty for any.
        bounds: its least and its largest value.
    """

    name: str
    summary: str
    kind: str = "string"
    required: bool = False
    choices: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None

    def describe(self) -> dict[str, Any]:
        """The parameter as OpenAPI has it."""
        schema: dict[str, Any] = {"type": self.kind}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.bounds is not None:
            schema["minimum"], schema["maximum"] = self.bounds
        return {
            "name": self.name,
            "in": "query",
            "required": self.required,
            "description": self.summary,
            "schema": schema,
        }


@dataclass(frozen=True)
class Operation:
    """One method on one path.

    Attributes:
        method: ``GET``, ``PUT``, ``PATCH`` or ``POST``.
        path: with names in braces.
        handler: what answers it.
        summary: what it does, a line.
        answer: the name of the answer's schema, or another media type.
        body: the name of the body's schema, None for no body.
        query: what may stand behind the question mark.
        refusals: statuses beside those that follow from the rest, with their reasons.
        is_open: whether it needs no token.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answer: str
    body: str | None = None
    query: tuple[Parameter, ...] = ()
    refusals: tuple[tuple[int, str], ...] = ()
    is_open: bool = False

    def describe(self, streams: Sequence[str] = ()) -> dict[str, Any]:
        """The operation as OpenAPI has it.

        Args:
            streams: names that a path may hold; none: any.
        """
        described: dict[str, Any] = {
            "summary": self.summary,
            "parameters": [
                *(_describe_part(part, streams) for part in _parts(self.path)),
                *(one.describe() for one in self.query),
            ],
            "responses": {"200": {"description": "Done.", "content": self._content()}},
        }
        for status, reason in sorted(self._all_refusals().items()):
            described["responses"][str(status)] = {
                "description": reason,
                "content": _json("Error"),
            }
        if self.body is not None:
            described["requestBody"] = {"required": True, "content": _json(self.body)}
        if self.is_open:
            described["security"] = []
        return described

    def _all_refusals(self) -> dict[int, str]:
        """Reasons by status; what the operation says of one itself comes first."""
        common = dict(_EVERY)
        if not self.is_open:
            common |= [_WITHOUT_TOKEN]
        if "{" in self.path:
            common |= [_NO_STREAM]
        if self.query:
            common |= [_WRONG]
        if self.body is not None:
            common |= [_NOT_JSON, _WRONG]
        return common | dict(self.refusals)

    def _content(self) -> dict[str, Any]:
        if "/" not in self.answer:
            return _json(self.answer)
        kind = "object" if self.answer.endswith("+json") else "string"
        return {self.answer: {"schema": {"type": kind}}}


def _parts(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _describe_part(part: str, streams: Sequence[str]) -> dict[str, Any]:
    """A part of a path in braces, ``name`` or ``number:int``, as a parameter."""
    name, _, kind = part.partition(":")
    schema: dict[str, Any] = {"type": "string"}
    if kind == "int":
        schema = {"type": "integer", "minimum": 0}
    elif streams:
        schema["enum"] = list(streams)
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
