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
        epochs: pairs of each epoch, by its number from 0.
        ended: how many parts of each epoch have been read to their end.
        parts: into how many an epoch is shared out; 0: not known.
        lost: what the program that wrote the data says it could not get, by its own kinds.
    """

    pairs: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    epochs: Counter[int] = field(default_factory=Counter)
    ended: Counter[int] = field(default_factory=Counter)
    parts: int = 0
    lost: dict[str, int] = field(default_factory=dict)

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
        self.epochs.update(other.epochs)
        self.ended.update(other.ended)
        self.parts = max(self.parts, other.parts)
        self.lost = {**self.lost, **other.lost}  # of the data, whoever read it
        return new

    def taken(self) -> Tally:
        """What was counted so far; this one begins anew."""
        taken = Tally(
            self.pairs,
            self.passed_over,
            self.examples,
            epochs=self.epochs,
            ended=self.ended,
            parts=self.parts,
            lost=self.lost,
        )
        self.pairs, self.passed_over, self.examples = 0, Counter(), {}
        self.epochs, self.ended, self.lost = Counter(), Counter(), {}
        return taken

    def is_whole(self, epoch: int) -> bool:
        """Whether an epoch has been read to its end: all of its pairs are counted."""
        return 0 < self.parts <= self.ended[epoch]

    def describe(self) -> str:
        """The kinds in one line, the most frequent first, each with its example."""
        return "; ".join(
            f"{count} {kind} (such as {self.examples[kind]})"
            for kind, count in self.passed_over.most_common()
        )

    def to_json(self) -> dict[str, object]:
        """As it stands in a run's record.

        ``epochs`` are how many are ``whole``, the ``sizes`` in pairs that those had (one, where
        every epoch has every usable pair once), and the pairs of those that have ``begun``.
        """
        whole = [epoch for epoch in self.epochs if self.is_whole(epoch)]
        begun = sum(pairs for epoch, pairs in self.epochs.items() if not self.is_whole(epoch))
        sizes = sorted({self.epochs[epoch] for epoch in whole})
        record: dict[str, object] = {
            "pairs": self.pairs,
            "passed_over": dict(self.passed_over),
            "epochs": {"whole": len(whole), "sizes": sizes, "begun": begun},
        }
        return {**record, "lost": self.lost} if self.lost else record
