"""Histories of a value that many threads write and read: could one moment an operation explain it?

Each operation is an interval; it took effect at some moment inside. A history is atomic where such
moments can be chosen so that every read gives what the last write before it wrote. With values of
which each is written once, that can be decided exactly (Gibbons and Korach, "Testing shared
memories", 1997): a value lives at least from the first end of its operations to the last begin.
Where that is forward in time, it stood all of that while; else there was one moment, somewhere in
between, at which all of them may have happened.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Operation", "find_contradiction"]


@dataclass(frozen=True)
class Operation:
    """One write or read of a value, which took effect at a moment from ``begin`` to ``end``."""

    kind: str
    value: Hashable
    begin: float
    end: float


@dataclass(frozen=True)
class _Zone:
    value: Hashable
    from_s: float
    to_s: float


def find_contradiction(history: Sequence[Operation]) -> str | None:
    """What no order of the operations explains, None where one does.

    Raises:
        ValueError: a value is written twice, or an operation ends before it begins.
    """
    writes = {one.value: one for one in history if one.kind == "write"}
    if len(writes) != sum(one.kind == "write" for one in history):
        raise ValueError("a value is written twice")
    if any(one.end < one.begin for one in history):
        raise ValueError("an operation ends before it begins")
    forward, backward = [], []
    of_value: dict[Hashable, list[Operation]] = {value: [one] for value, one in writes.items()}
    for one in history:
        if one.kind != "read":
            continue
        if one.value not in writes:
            return f"{one.value} was read and never written"
        if one.end < writes[one.value].begin:
            return f"{one.value} was read before it was written"
        of_value[one.value].append(one)
    for value, operations in of_value.items():
        first_end = min(one.end for one in operations)
        last_begin = max(one.begin for one in operations)
        if first_end < last_begin:
            forward.append(_Zone(value, first_end, last_begin))
        else:
            backward.append(_Zone(value, last_begin, first_end))
    forward.sort(key=lambda zone: zone.from_s)
    for before, after in pairwise(forward):
        if after.from_s < before.to_s:
            return f"{before.value} and {after.value} stood at one time"
    for inner in backward:
        for outer in forward:
            if outer.from_s < inner.from_s and inner.to_s < outer.to_s:
                return f"{inner.value} was written while {outer.value} stood before and after it"
    return None
