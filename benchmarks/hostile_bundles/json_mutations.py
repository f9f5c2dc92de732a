"""JSON, changed somewhere: what manifests, tokenizers, headers and sidecars have in common."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

# What a reader may not expect in a place: other types, ends of ranges, texts that are paths.
STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    255,
    65536,
    2**31 - 1,
    2**31,
    2**32,
    2**63 - 1,
    2**63,
    2**64,
    10**400,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "a",
    "x" * 5000,
    "a\ud800b",
    "a\0b",
    "\u202e\u0301",
    "../outside/secret.bin",
    "/proc/self/environ",
    "{}",
    "{0.__class__}",
    "%s%n",
    [],
    {},
    [[]],
    {"": {}},
    [None],
    ["a", 1],
    [1, 2],
)

#: Of calls in each other, for values that several changes have nested.
_DEEP = 20_000

__all__ = ["STRANGE", "change_json", "nested", "room_for_depth", "to_bytes"]


@contextmanager
def room_for_depth() -> Iterator[None]:
    """Let the block make and write deeper values than Python reads by itself."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(_DEEP)
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def change_json(random: Random, record: Any) -> Any:
    """One change at a place drawn at random; the record itself may be changed."""
    places = list(_places(record))
    if not places:
        return random.choice(STRANGE)
    holder, key = random.choice(places)
    way = random.randrange(8)
    if way <= 3:
        holder[key] = random.choice(STRANGE)
    elif way == 4:
        del holder[key]
    elif way == 5:
        other, name = random.choice(places)
        holder[key] = json.loads(json.dumps(other[name] if name in _keys(other) else None))
    elif way == 6 and isinstance(holder[key], int | float):
        holder[key] = holder[key] * random.choice((-1, 2, 1000, 0.5)) + random.choice((0, 1))
    elif way == 6 and isinstance(holder[key], list):
        holder[key] = holder[key] * random.choice((2, 3))
    else:
        holder[key] = nested(random.choice((3, 40, 200, 700)), random.random() < 0.5)
    return record


def nested(depth: int, as_list: bool) -> Any:
    """A value of so many lists or objects in each other."""
    value: Any = 0
    for _ in range(depth):
        value = [value] if as_list else {"a": value}
    return value


def to_bytes(record: Any) -> bytes:
    """JSON as bytes, with whatever it holds."""
    return json.dumps(record).encode("utf-8", "surrogatepass")


def _keys(holder: Any) -> Any:
    return holder if isinstance(holder, dict) else range(len(holder))


def _places(value: Any) -> Any:
    """Holder and key of some values below; of a long list or object only its ends are looked at."""
    if not isinstance(value, dict | list):
        return
    keys = list(_keys(value))
    for key in keys if len(keys) <= 40 else [*keys[:20], *keys[-20:]]:
        yield value, key
        yield from _places(value[key])
