"""What was read of stored pairs, and what was passed over, by kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of one reader, or of several put together.

    Attributes:
        pairs: how many became training pairs.
        passed_over: how many were not, by kind.
        examples: the first of each kind, as ``SHARD: MEMBER``.
        known: kinds that were met, also before :meth:`taken`.
    """

    pairs: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    def pass_over(self, kind: str, example: str) -> None:
        """Count one more of a kind."""
        self.passed_over[kind] += 1
        self.examples.setdefault(kind, example)

    def add(self, other: Tally) -> list[str]:
        """Add what another has counted.

        Returns:
            The kinds that are new here.
        """
        new = [kind for kind in other.passed_over if kind not in self.known]
        self.known.update(new)
        self.pairs += other.pairs
        self.passed_over.update(other.passed_over)
        self.examples = {**other.examples, **self.examples}
        return new

    def taken(self) -> Tally:
        """What was counted so far; this one begins anew."""
        taken = Tally(self.pairs, self.passed_over, self.examples)
        self.pairs, self.passed_over, self.examples = 0, Counter(), {}
        return taken

    def describe(self) -> str:
        """The kinds in one line, the most frequent first, each with its example."""
        return "; ".join(
            f"{count} {kind} (such as {self.examples[kind]})"
            for kind, count in self.passed_over.most_common()
        )

    def to_json(self) -> dict[str, object]:
        """As it stands in a run's record."""
        return {"pairs": self.pairs, "passed_over": dict(self.passed_over)}
