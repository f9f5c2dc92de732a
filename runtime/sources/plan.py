"""Which source to make, in plain values that another process can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from runtime.redaction import redact, redact_pipeline, remember_pipeline, remember_url
from runtime.sources import (
    CameraMode,
    CameraSource,
    GStreamerSource,
    ImageSource,
    PatternSource,
    Source,
    open_video,
)
from runtime.sources.decoding import is_url

__all__ = ["SourcePlan"]


@dataclass(frozen=True)
class SourcePlan:
    """A source that is not made yet.

    Attributes:
        kind: ``"video"``, ``"images"``, ``"camera"``, ``"gstreamer"`` or ``"test-pattern"``.
        values: what its constructor takes (of a video :func:`~runtime.sources.open_video`), as
            JSON can hold it; an address may hold a secret.
    """

    kind: str
    values: dict[str, Any] = field(repr=False)

    def build(self) -> Source:
        """The source, not yet opened; raises ``UserError``."""
        values = dict(self.values)
        if self.kind == "camera":
            mode = values.pop("mode", {})
            size = mode.get("size_wh")
            mode = {**mode, "size_wh": None if size is None else tuple(size)}
            return CameraSource(**values, mode=CameraMode(**mode))
        makers: dict[str, Any] = {
            "video": open_video,
            "images": ImageSource,
            "gstreamer": GStreamerSource,
            "test-pattern": PatternSource,
        }
        source: Source = makers[self.kind](**values)
        return source

    @property
    def shown_name(self) -> str:
        """What the source is called as long as it has not said so itself."""
        text = next((str(one) for one in self.values.values() if isinstance(one, str)), "")
        return redact_pipeline(text) if self.kind == "gstreamer" else redact(text)

    @property
    def reconnect_timeout_s(self) -> float | None:
        """How long the source may be away; None is 10 s at the start, any time later."""
        value = self.values.get("reconnect_timeout_s")
        return None if value is None else float(value)

    def remember_secrets(self) -> None:
        """Keep the secrets of its address in this process, so that nothing shows them."""
        if self.kind == "gstreamer":
            remember_pipeline(self.values["pipeline"])
        if self.kind == "video" and is_url(self.values["name"]):
            remember_url(self.values["name"])
