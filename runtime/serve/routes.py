"""The table of routes: what the server answers, and what its OpenAPI document says of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]

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
    """

    name: str
    summary: str
    kind: str = "string"
    required: bool = False
    choices: tuple[str, ...] = ()


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
        refusals: statuses beside those of every request, with their reasons.
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

    def describe(self) -> dict[str, Any]:
        """The operation as OpenAPI has it."""
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _names(self.path)
        ]
        for one in self.query:
            schema: dict[str, Any] = {"type": one.kind}
            if one.choices:
                schema["enum"] = list(one.choices)
            parameters.append(
                {
                    "name": one.name,
                    "in": "query",
                    "required": one.required,
                    "description": one.summary,
                    "schema": schema,
                }
            )
        described: dict[str, Any] = {
            "summary": self.summary,
            "parameters": parameters,
            "responses": {"200": {"description": "Done.", "content": self._content()}},
        }
        for status, reason in self.refusals:
            described["responses"][str(status)] = {
                "description": reason,
                "content": _json("Error"),
            }
        if self.body is not None:
            described["requestBody"] = {"required": True, "content": _json(self.body)}
        if self.is_open:
            described["security"] = []
        return described

    def _content(self) -> dict[str, Any]:
        if "/" not in self.answer:
            return _json(self.answer)
        return {self.answer: {"schema": {"type": "string"}}}


def _names(path: str) -> list[str]:
    return [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
