"""Classes that a run never finds because a background word of their meaning takes their pixels.

Where few words are asked for, a class that is not there comes next after a background word on many
pixels too. What tells both apart is what the words mean: a pedestrian is lost to a person, not to
the sky.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from runtime.segment.result import Result

#: Of the pixels where a class comes next after a background word, the share of one such word.
TAKEN_SHARE = 0.9
#: Of all pixels of the run; a class that comes second on fewer is simply not there.
LEAST_SHARE = 0.002
#: More words are not watched: very many are computed piece by piece, and twice would cost.
MOST_WORDS = 128
#: Of a finer grid than that only every second line is looked at, every third and so on.
MOST_LINES = 160

__all__ = ["RivalWatch", "Rivalry"]


@dataclass(frozen=True)
class Rivalry:
    """A class that was found nowhere, and the background word that took its pixels.

    Attributes:
        class_name: the class.
        rival: the background word.
        share: its part of the pixels where the class came next after a background word, in [0, 1].
    """

    class_name: str
    rival: str
    share: float

    def describe(self) -> str:
        """One line for people: what happened, and what to do."""
        return (
            f"{self.class_name!r} was found nowhere: the background word {self.rival!r} took "
            f"{self.share:.0%} of the pixels where it came next; if both mean the same, give "
            f"--background without {self.rival!r}, or {self.class_name}={self.rival}"
        )


class RivalWatch:
    """Counts, over a run, which background words win where a class comes second.

    A class is watched until it is found once. Where the words change, counting begins anew.

    Args:
        alike: whether a class, by its words, and a background word mean nearly the same; a rival
            of another meaning is none.
    """

    def __init__(self, alike: Callable[[Sequence[str], str], bool]) -> None:
        self._alike = alike
        self._taken: dict[str, np.ndarray] = {}
        self._found: set[str] = set()
        self._words: tuple[str, ...] = ()
        self._labels: tuple[int, ...] = ()
        self._pixels = 0

    def add(self, result: Result) -> None:
        """Look at one frame's scores on their grid."""
        import numpy as np

        words, label_of_row = result.words, result.label_of_row
        if self._words not in ((), words):
            self._forget()
        self._words, self._labels = words, tuple(label_of_row.tolist())
        self._found |= {name for name, area in result.areas.items() if area > 0.0}
        watched = [name for name in result.class_names if name not in self._found]
        if not watched or len(words) > MOST_WORDS or not (label_of_row == 255).any():
            return
        # Of windows the scores are as large as the picture: some of them tell as much.
        step = 1 + result.grid_scores.shape[1] // MOST_LINES
        scores = np.asarray(result.grid_scores)[:, ::step, ::step]
        order = np.argpartition(scores, -2, axis=0)[-2:].reshape(2, -1)
        first, second = order[1], order[0]
        self._pixels += first.size
        behind = label_of_row[second]
        best = label_of_row[first]
        taken = best == 255
        for name in watched:
            value = result.class_names.index(name)
            if (best == value).any():  # and yet without area: a threshold took it, no rival
                self._found.add(name)
                continue
            winners = np.bincount(first[taken & (behind == value)], minlength=len(words))
            before = self._taken.get(name)
            self._taken[name] = winners if before is None else before + winners

    def _forget(self) -> None:
        self._taken.clear()
        self._found.clear()
        self._pixels = 0

    def rivalries(self, class_names: Sequence[str]) -> list[Rivalry]:
        """The classes that were found nowhere because of one rival, in the order given."""
        found = []
        for value, name in enumerate(class_names):
            taken = self._taken.get(name)
            if name in self._found or taken is None:
                continue
            total, most = int(taken.sum()), int(taken.max())
            if total < max(1, LEAST_SHARE * self._pixels) or most < TAKEN_SHARE * total:
                continue
            rival = self._words[int(taken.argmax())]
            own = [
                word
                for word, label in zip(self._words, self._labels, strict=True)
                if label == value
            ]
            if self._alike(own, rival):
                found.append(Rivalry(name, rival, most / total))
        return found

    def describe(self, class_names: Sequence[str]) -> list[dict[str, Any]]:
        """The same for a report."""
        return [
            {"class": one.class_name, "rival": one.rival, "share": round(one.share, 4)}
            for one in self.rivalries(class_names)
        ]
