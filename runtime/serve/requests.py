"""What requests bring, read with bounds: numbers, words, JSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from runtime.serve.gate import LARGEST_BODY_BYTES
from runtime.serve.refusal import Refusal
from runtime.serve.tile import Tile
from runtime.serve.views import KINDS, WIDEST, View, fitting_width

LONGEST_WORD = 100
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")

__all__ = [
    "read_color",
    "read_json",
    "read_number",
    "read_share",
    "read_view",
    "read_whole_number",
    "read_words",
]


async def read_json(request: Request, keys: frozenset[str]) -> dict[str, Any]:
    """The body as a JSON object with some of these keys; raises ``Refusal``.

    Every change goes through here: what is not called JSON is what another site's form can send.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "a change is sent as JSON: Content-Type: application/json")
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY_BYTES:
                raise Refusal(413, f"the body is too long; at most {LARGEST_BODY_BYTES} bytes")
    except ClientDisconnect:  # nobody hears it any more, and it is no fault of ours
        raise Refusal(400, "the body broke off") from None
    try:
        given = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON; expected an object") from None
    if not isinstance(given, dict):
        raise Refusal(400, "the body is no JSON object; expected one")
    unknown = sorted(set(given) - keys)
    if unknown:
        raise Refusal(
            422, f"{unknown[0][:40]!r} is not a key; expected {', '.join(sorted(keys)) or 'none'}"
        )
    return given


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)


def read_share(given: Any, what: str) -> float:
    """A number from 0 to 1; raises ``Refusal``."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise Refusal(422, f"{what}: expected a number from 0 to 1")
    if not 0.0 <= given <= 1.0:
        raise Refusal(422, f"{what} is {given}; expected a number from 0 to 1")
    return float(given)


def read_number(request: Request, name: str) -> float:
    """A number of the query, which must be there; raises ``Refusal``."""
    try:
        value = float(request.query_params.get(name, ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refusal(422, f"?{name}= is missing or no number")
    return value


def read_whole_number(request: Request, name: str, default: int) -> int:
    """A whole number of the query; raises ``Refusal``."""
    text = request.query_params.get(name, str(default))
    if not _WHOLE.fullmatch(text):
        raise Refusal(422, f"?{name}= is no whole number")
    return int(text)


def read_words(given: Any, what: str) -> list[str]:
    """A list of texts, none too long; raises ``Refusal``."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise Refusal(422, f"{what}: expected a list of texts")
    for one in texts:
        for word in one.replace("=", "|").split("|"):
            if len(word) > LONGEST_WORD:
                raise Refusal(422, f"{what}: a word is longer than {LONGEST_WORD} letters")
    return texts


def read_color(given: Any) -> tuple[int, int, int]:
    """The RGB levels of ``#rrggbb``; raises ``Refusal``."""
    if not isinstance(given, str) or not _COLOR.fullmatch(given):
        raise Refusal(422, "a color: expected #rrggbb")
    red, green, blue = bytes.fromhex(given[1:])
    return red, green, blue


def read_view(tile: Tile, kind: str, width: float, word: str) -> View:
    """A view that a stream has; raises ``Refusal``."""
    if kind not in KINDS:
        raise Refusal(422, f"view {kind[:40]!r} is unknown; expected one of {', '.join(KINDS)}")
    if not 1 <= width <= WIDEST:
        raise Refusal(422, "width: expected pixels, 1 or more")
    if kind == "units" and tile.stream.segmenter.units == "pixel":
        raise Refusal(409, f"{tile.name} runs with --units pixel, which makes no units")
    if kind != "similarity":
        return View(kind, fitting_width(int(width)))
    queries = tile.stream.segmenter.classes
    words = () if queries is None else queries.words
    if word not in words:
        shown = ", ".join(words[:12])
        raise Refusal(
            422, f"view similarity: word {word[:40]!r} is not asked for; it knows {shown}"
        )
    return View(kind, fitting_width(int(width)), word)
