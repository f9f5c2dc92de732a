"""The topics of one stream at a broker."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

DEFAULT_PREFIX = "mgca"
#: What a stream without a name is called here.
DEFAULT_STREAM = "stream"

__all__ = ["DEFAULT_PREFIX", "Topics", "identifier"]


@dataclass(frozen=True)
class Topics:
    """Topics below ``<prefix>/<stream>/``.

    Attributes:
        prefix: the user's, without slashes at its ends.
        stream: the stream's name, without what a topic gives a meaning of its own.
    """

    prefix: str
    stream: str

    @classmethod
    def of(cls, prefix: str, stream: str) -> Topics:
        """Those of a stream by its name as the run knows it."""
        return cls(prefix, re.sub(r"[/+#\0\s]+", "_", stream) or DEFAULT_STREAM)

    @property
    def availability(self) -> str:
        """``online`` or ``offline``, retained; the broker says ``offline`` if we cannot."""
        return self._below("availability")

    @property
    def state(self) -> str:
        """The areas, retained."""
        return self._below("state")

    @property
    def event(self) -> str:
        """Changes of state, as they come."""
        return self._below("event")

    @property
    def classes(self) -> str:
        """The classes that stand, retained."""
        return self._below("classes")

    @property
    def classes_set(self) -> str:
        """Where others write the classes that they want."""
        return self._below("classes/set")

    @property
    def node(self) -> str:
        """One identifier for prefix and stream, the same in every run."""
        return identifier(f"mgca_{self.prefix}_{self.stream}")

    def _below(self, name: str) -> str:
        return f"{self.prefix}/{self.stream}/{name}"


def identifier(name: str) -> str:
    """A text as Home Assistant takes it in a topic: ASCII letters, digits, ``_`` and ``-``.

    Where something had to be replaced, a piece of the text's hash keeps two names apart.
    """
    plain = re.sub(r"[^a-zA-Z0-9_-]+", "_", name)
    if plain == name:
        return plain
    return f"{plain.strip('_')}_{hashlib.sha256(name.encode()).hexdigest()[:6]}".lstrip("_")
