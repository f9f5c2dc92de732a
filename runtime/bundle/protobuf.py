"""Protobuf's wire format, as much of it as it takes to look into an ONNX file."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

__all__ = ["Span", "fields", "integers", "number_of", "signed", "span_of", "text_of"]

# Start and end of a length-delimited field's content.
Span = tuple[int, int]


def fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int | Span]]:
    """Number and value of each field of a message: a whole number, or where its content lies.

    Of fields of four or eight fixed bytes the value is where they lie, too. Raises ValueError for
    what is not protobuf, IndexError where the file ends within a number.
    """
    place = start
    while place < end:
        # Nearly every number of a message's frame is one byte: a call for each would cost the most.
        tag, place = (data[place], place + 1) if data[place] < 128 else _varint(data, place)
        wire, field = tag & 7, tag >> 3
        if wire == 0:
            number, place = _varint(data, place)
            yield field, number
            continue
        if wire == 2:
            length, place = (data[place], place + 1) if data[place] < 128 else _varint(data, place)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError("not protobuf")
        if place + length > end:
            raise ValueError("a field is longer than its message")
        yield field, (place, place + length)
        place += length


def integers(data: mmap.mmap, value: int | Span) -> Iterator[int]:
    """Signed whole numbers of a repeated field, packed or not."""
    if isinstance(value, int):
        yield signed(value)
        return
    place, end = value
    while place < end:
        number, place = _varint(data, place)
        yield signed(number)


def signed(number: int) -> int:
    """A varint as a signed number of 64 bits.

    >>> signed(2**64 - 1)
    -1
    """
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def text_of(data: mmap.mmap, value: int | Span) -> str:
    """A field's content as text; ValueError where it has none."""
    start, end = span_of(value)
    return data[start:end].decode("utf-8", errors="replace")


def span_of(value: int | Span) -> Span:
    """Where a field's content lies; ValueError for a number."""
    if isinstance(value, int):
        raise ValueError("a number where a message is expected")
    return value


def number_of(value: int | Span) -> int:
    """A field's number; ValueError for content."""
    if not isinstance(value, int):
        raise ValueError("a message where a number is expected")
    return value


def _varint(data: mmap.mmap, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("not protobuf")
