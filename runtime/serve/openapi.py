"""The OpenAPI document: the operations of the table, and what their bodies and answers hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runtime.rules.zone import LONGEST_NAME, MOST_POINTS, MOST_ZONES
from runtime.serve.routes import Operation
from runtime.serve.source_state import STATES

__all__ = ["describe_api"]

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1}
_COLOR: dict[str, Any] = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}


def _list(of: dict[str, Any], **bounds: int) -> dict[str, Any]:
    return {"type": "array", "items": of, **bounds}


def _object(optional: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    """An object with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in set(optional)],
        "additionalProperties": False,
    }


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _see(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_POINT = _list(_SHARE, minItems=2, maxItems=2)
_NAME = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
SCHEMAS: dict[str, dict[str, Any]] = {
    "Error": _object(("suggestions",), error=_TEXT, suggestions=_list(_TEXT)),
    "Health": _object(ready={"type": "boolean"}),
    "Server": _object(
        name={"const": "MGCA Edge"},
        version=_TEXT,
        bundle=_maybe(_TEXT),
        open_vocabulary={"type": "boolean"},
        streams=_list(_TEXT),
        openapi=_TEXT,
    ),
    "Login": _object(token=_TEXT),
    "Done": _object(done={"const": True}),
    "Nothing": _object(),
    "Class": _object(
        name=_TEXT, entry=_TEXT, words=_list(_TEXT, minItems=1), color=_COLOR, area=_SHARE
    ),
    "Source": _object(
        kind=_TEXT,
        name=_TEXT,
        live={"type": "boolean"},
        state={"enum": list(STATES)},
        since_s=_NUMBER,
        reconnects=_COUNT,
        size_wh=_maybe(_list(_COUNT, minItems=2, maxItems=2)),
        pixel_aspect=_NUMBER,
    ),
    "Stream": _object(
        name=_TEXT,
        source=_see("Source"),
        fps=_NUMBER,
        frames={"type": "object", "additionalProperties": _COUNT},
        latency_ms={"type": "object", "additionalProperties": _NUMBER},
        classes=_list(_see("Class")),
        background=_list(_TEXT),
        threshold=_SHARE,
        opacity=_SHARE,
        units={"enum": ["adaptive", "pixel"]},
        backend=_TEXT,
    ),
    "Streams": _object(streams=_list(_see("Stream"))),
    "Words": _object(
        ("background", "allow_unknown"),
        classes=_list(_TEXT, minItems=1, maxItems=254),
        background={"anyOf": [_TEXT, _list(_TEXT)]},
        allow_unknown={"type": "boolean"},
    ),
    "Settings": _object(
        ("threshold", "opacity", "colors"),
        threshold=_SHARE,
        opacity=_SHARE,
        colors={"type": "object", "additionalProperties": _COLOR},
    ),
    "Zone": _object(name=_NAME, points=_list(_POINT, minItems=3, maxItems=MOST_POINTS)),
    "Zones": _object(zones=_list(_see("Zone"), maxItems=MOST_ZONES)),
    "PixelWord": _object(word=_TEXT, similarity=_NUMBER, probability=_SHARE)
    | {"description": "A word at a pixel; class is null for a word of the background."},
    "Pixel": _object(
        x=_SHARE,
        y=_SHARE,
        unit=_maybe(_COUNT),
        outline=_list(_list(_POINT)),
        words=_list(_see("PixelWord")),
    ),
    "Event": _object(
        number=_COUNT,
        event=_TEXT,
        stream=_TEXT,
        at_s=_NUMBER,
        text=_TEXT,
        facts={"type": "object"},
        snapshot={"type": "boolean"},
    ),
    "Events": _object(events=_list(_see("Event"))),
    "KnownWords": _object(words=_list(_TEXT), near=_list(_TEXT), known={"type": "boolean"}),
}
for _name in ("PixelWord", "Pixel"):  # "class" is no name that Python takes for an argument
    SCHEMAS[_name]["properties"]["class"] = _maybe(_TEXT)
    SCHEMAS[_name]["required"].append("class")


def describe_api(
    operations: Iterable[Operation],
    version: str,
    streams: Sequence[str] = (),
    *,
    needs_token: bool = False,
) -> dict[str, Any]:
    """The document of these operations.

    Args:
        operations: the table of routes.
        version: of the runtime.
        streams: names of those that run.
        needs_token: whether who asks must show a token.
    """
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        methods = paths.setdefault(one.path.replace(":int}", "}"), {})
        methods[one.method.lower()] = one.describe(streams)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MGCA Edge",
            "version": version,
            "description": (
                "The streams of one running mgca-rt. Every answer that is not 200 is an Error. "
                "WebSocket /api/live is what the page uses: pictures on demand, states and events."
            ),
        },
        "security": [{"bearer": []}] if needs_token else [{"bearer": []}, {}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
