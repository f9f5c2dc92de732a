"""Where a stream's frames may be stepped in on: before inference, and before labelling.

Both are None unless set. What is set belongs to one segmenter and sees the frames of one stream,
in order and one at a time, so that it may keep state without a lock.
"""

from __future__ import annotations

from typing import Protocol

from runtime.segment.frames import PreparedFrame, RawScores

__all__ = ["MotionGate", "ScoreSmoother"]


class MotionGate(Protocol):
    """Before inference: spares the graph where nothing has moved."""

    def spares(self, frame: PreparedFrame) -> bool:
        """Whether the scores of the last frame that was run stand for this one too.

        Asked only where there are such scores: of the same queries, and of the units wanted now.
        """

    def ran(self, frame: PreparedFrame) -> None:
        """Told of every frame that the graph has been run on: the next ones compare with it."""


class ScoreSmoother(Protocol):
    """Between inference and labelling: steadies scores over time."""

    def smooth(self, raw: RawScores, frame: PreparedFrame) -> RawScores:
        """The scores to label, called once a frame, spared ones included.

        ``frame`` is the one that they are given to: what moved can be seen in it.

        Give back ``raw`` with other scores (``dataclasses.replace``); its arrays are not to be
        written to. ``raw.queries`` is another object whenever the classes have changed: scores of
        before then mean nothing any more. A :class:`~runtime.segment.word_scores.StreamedScores`
        is smoothed by its ``embeddings``, in which its scores are linear.
        """
