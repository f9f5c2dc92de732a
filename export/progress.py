"""What a person sees while an export runs: a line a step, and a bar on terminals. All on stderr.

Without a terminal, loops of over ten seconds have a line every ten.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from runtime.paced_lines import PacedLines
from runtime.terminal import beside_bar

Item = TypeVar("Item")


class Progress(Protocol):
    """Wraps a loop: yields the items and shows how far it is."""

    def __call__(self, items: Sequence[Item], name: str) -> Iterable[Item]:
        """Return the items to loop over."""


def show_bar(items: Sequence[Item], name: str) -> Iterator[Item]:
    """Yield the items with a bar on stderr, if that is a terminal, else with some lines."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, desc=f"  {name}", leave=False)
        return
    lines = PacedLines(say, name, len(items))
    for item in items:
        yield item
        lines.advance()


def say(line: str) -> None:
    """Print one line of the log."""
    with beside_bar(sys.stderr):
        print(f"export: {line}", file=sys.stderr, flush=True)
