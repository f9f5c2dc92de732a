"""A function whose first answer serves for all calls, for work that is the same each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def first_answer(function: Callable[..., Any]) -> Callable[..., Any]:
    """Call ``function`` once; later calls get what it returned."""
    answers: list[Any] = []

    def answer(*arguments: Any, **options: Any) -> Any:
        if not answers:
            answers.append(function(*arguments, **options))
        return answers[0]

    return answer
