"""What a request is answered that cannot be granted: a status and one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Refusal"]


class Refusal(Exception):
    """A request that is refused.

    Attributes:
        status: the HTTP status.
        text: what was wrong, what was expected, what to do.
        suggestions: known words near one that is unknown.
    """

    def __init__(self, status: int, text: str, suggestions: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.suggestions = tuple(suggestions)

    def record(self) -> dict[str, Any]:
        """The answer's body."""
        body: dict[str, Any] = {"error": self.text}
        return body | {"suggestions": list(self.suggestions)} if self.suggestions else body
