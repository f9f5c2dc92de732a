"""A source that is opened and decoded in a process of its own, which may crash or hang.

:class:`~runtime.sources.plan.SourcePlan` says which source; :class:`IsolatedSource` reads it there
and is a :class:`~runtime.sources.frame.Source` like any other. Pictures come over shared memory.
"""

from __future__ import annotations

from runtime.sources.isolated.failure import DecoderFailure
from runtime.sources.isolated.source import IsolatedSource
from runtime.sources.plan import SourcePlan

__all__ = ["DecoderFailure", "IsolatedSource", "SourcePlan"]
