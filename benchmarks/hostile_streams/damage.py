"""Ways to damage a file, each by a generator of random numbers."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["DAMAGES", "ENDINGS", "splice"]

#: A header is where a bit counts most.
HEADER_BYTES = 512
LONGEST_BLOCK = 4096
#: Numbers that a field of four bytes is set to: a size, a count, an offset.
BOUNDARIES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
#: What a file may call itself, whatever it is.
ENDINGS = (
    ".mp4", ".mov", ".mkv", ".avi", ".ts", ".mjpeg", ".jpg", ".png", ".tif", ".webp", ".txt", "",
)  # fmt: skip


def keep(content: bytes, chance: random.Random) -> bytes:
    """Leave it as it is."""
    return content


def truncate(content: bytes, chance: random.Random) -> bytes:
    """Cut off the end, often near the beginning."""
    share = chance.random() ** chance.choice((1, 3))
    return content[: max(1, int(len(content) * share))]


def flip_bits(content: bytes, chance: random.Random) -> bytes:
    """Flip 1 to 64 bits anywhere."""
    return _flip(content, len(content), chance)


def flip_in_header(content: bytes, chance: random.Random) -> bytes:
    """Flip 1 to 64 bits at the beginning."""
    return _flip(content, HEADER_BYTES, chance)


def set_numbers(content: bytes, chance: random.Random) -> bytes:
    """Set fields of two or four bytes to the ends of their ranges."""
    damaged = bytearray(content)
    reach = min(len(damaged), chance.choice((HEADER_BYTES, len(damaged))))
    for _ in range(chance.randint(1, 6)):
        width, at = chance.choice((2, 4)), chance.randrange(max(1, reach))
        number = chance.choice(BOUNDARIES) & (256**width - 1)
        damaged[at : at + width] = number.to_bytes(width, chance.choice(("big", "little")))
    return bytes(damaged[: len(content)])


def overwrite(content: bytes, chance: random.Random) -> bytes:
    """Put noise, or nothing, in place of a block."""
    start, end = _block(content, chance)
    noise = bytes(end - start) if chance.random() < 0.3 else chance.randbytes(end - start)
    return content[:start] + noise + content[end:]


def remove(content: bytes, chance: random.Random) -> bytes:
    """Take a block away."""
    start, end = _block(content, chance)
    return content[:start] + content[end:]


def repeat(content: bytes, chance: random.Random) -> bytes:
    """Write a block again, there or elsewhere."""
    start, end = _block(content, chance)
    at = chance.choice((end, chance.randrange(len(content) + 1)))
    return content[:at] + content[start:end] * chance.randint(1, 4) + content[at:]


def splice(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """The beginning of one file and the end of another."""
    at, end = chance.randrange(len(content) + 1), chance.randrange(len(other) + 1)
    return content[:at] + other[end:]


def _flip(content: bytes, reach: int, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(int(2 ** chance.uniform(0, 6))):
        damaged[chance.randrange(min(reach, len(damaged)))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _block(content: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(content))
    length = int(2 ** chance.uniform(0, LONGEST_BLOCK.bit_length() - 1))
    return start, min(len(content), start + length)


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "none": keep,
    "truncated": truncate,
    "bits flipped": flip_bits,
    "header flipped": flip_in_header,
    "numbers set": set_numbers,
    "overwritten": overwrite,
    "block removed": remove,
    "block repeated": repeat,
}
