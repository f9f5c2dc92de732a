"""What a file of weights must not be: said before a reader fails in its own words."""

from __future__ import annotations

from pathlib import Path

from runtime.errors import UserError

_HEAD_BYTES = 512
_LFS = b"version https://git-lfs"

__all__ = ["describe_foreign", "refuse_foreign"]


def describe_foreign(path: Path) -> str | None:
    """What a file that holds no weights is, by its content; None for what may hold some.

    >>> describe_foreign(Path(__file__))
    'is a text file'
    """
    if path.is_dir():
        return "is a folder"
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        return "is empty"
    if head.startswith(_LFS):
        return "is a pointer of Git LFS, not the file itself (git lfs pull fetches it)"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "is a web page: a server's answer, saved in place of the file"
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return "is a text file"
    return None


def refuse_foreign(path: Path, what: str, expected: str) -> None:
    """Refuse a file that can hold no weights.

    Args:
        path: the file, which is there.
        what: begins the message, such as ``checkpoint 'a.pt'``.
        expected: what would have been right.

    Raises:
        UserError: it is a folder, empty, text or a web page, or cannot be read at all.
    """
    try:
        kind = describe_foreign(path)
    except OSError as error:
        raise UserError(f"{what} cannot be read ({error.strerror}); expected {expected}") from None
    if kind is not None:
        raise UserError(f"{what} {kind}; expected {expected}")
