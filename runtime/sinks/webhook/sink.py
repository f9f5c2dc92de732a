"""The webhook of one stream."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.address import NetworkAddress, read_address
from runtime.errors import MgcaError, UserError
from runtime.flag_values import number
from runtime.options import option
from runtime.plain_json import to_plain
from runtime.redaction import redact_record
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.jsonl import describe_frame
from runtime.sinks.registry import register

if TYPE_CHECKING:
    from runtime.events import Event
    from runtime.sinks.claims import Claims
    from runtime.sinks.webhook.carrier import Carrier
    from runtime.sources.frame import Source
    from runtime.stream.stream import Stream

FLAG = "--webhook"
PORTS = {"http": 80, "https": 443}
EXAMPLE = "https://host/hook"

__all__ = ["Webhook"]


@register
class Webhook(Sink):
    """Posts each event, and with ``every_s`` the newest frame's record, as one JSON object.

    Frames never wait for it. A server that is away is tried again with growing pauses while events
    wait, as many as there is room for; what it refuses is counted and not sent again.
    """

    key = "webhook"
    place = 36
    queue_frames = 1  # only the newest frame counts

    @dataclass(frozen=True)
    class Options:
        """The address, and how often frames go there."""

        webhook: str | None = option(
            "POST each event as JSON: --webhook https://host/hook", metavar="URL"
        )
        webhook_every: float | None = option(
            "also a frame's record, as in --jsonl, every S seconds: --webhook-every 60",
            metavar="S",
            holds=float,
            read=number(0.1, 86400),
        )

    def __init__(self, address: NetworkAddress, every_s: float | None = None) -> None:
        self.address = address
        self.every_s = every_s
        self._stream_name = ""
        self._source_name = ""
        self._stream: Stream | None = None
        self._carrier: Carrier | None = None
        self._over: Carrier | None = None
        self._frame_at = -float("inf")

    @classmethod
    def from_options(cls, options: Options) -> Webhook | None:
        """One for ``--webhook``; ``UserError`` for ``--webhook-every`` without it."""
        if options.webhook is None:
            if options.webhook_every is not None:
                raise UserError(f"--webhook-every needs {FLAG} {EXAMPLE}")
            return None
        return cls(read_address(FLAG, options.webhook, PORTS, EXAMPLE), options.webhook_every)

    def check(self, claims: Claims) -> None:
        """The server may come later."""

    def prepare(self, facts: RunFacts) -> None:
        """Take over the stream's name."""
        self._stream_name = facts.stream

    def attach(self, stream: Stream) -> None:
        """Take over whether the run is strict."""
        self._stream = stream

    def begin(self, source: Source) -> None:
        """Start the thread that posts."""
        from runtime.sinks.webhook.carrier import Carrier
        from runtime.sinks.webhook.post import Poster

        self._source_name = source.name
        self._carrier = Carrier(FLAG, Poster(self.address))

    def write(self, item: SegmentedFrame) -> None:
        """Hand over the frame's record, if it is time; with ``--strict`` raise what was lost."""
        if self._stream is not None and self._stream.strict:
            self._raise_loss(self._carrier)
        now = time.monotonic()
        if self.every_s is not None and now - self._frame_at >= self.every_s:
            self._frame_at = now
            record = describe_frame(item, False, self._source_name)
            self._hand_over({"stream": self._stream_name, **record}, is_event=False)

    def note(self, event: Event) -> None:
        """Hand over an event."""
        self._hand_over(redact_record(event.record()), is_event=True)

    def close(self) -> None:
        """Post what is left, for a few seconds.

        Raises:
            MgcaError: something was lost or refused, or nothing ever arrived.
        """
        carrier, self._carrier = self._carrier, None
        if carrier is None:
            return
        self._over = carrier
        carrier.stop()
        self._raise_loss(carrier)
        if carrier.missed and not carrier.delivered:
            raise MgcaError(f"{FLAG} {self.address.shown} was never reached ({carrier.problem})")

    def _raise_loss(self, carrier: Carrier | None) -> None:
        if carrier is None or not (carrier.lost or carrier.refused):
            return
        counts = {"refused": carrier.refused, "given up": carrier.lost}
        said = " and ".join(f"{count} {what}" for what, count in counts.items() if count)
        raise MgcaError(f"{FLAG} {self.address.shown}: messages {said} ({carrier.problem})")

    def _hand_over(self, record: Mapping[str, Any], is_event: bool) -> None:
        from runtime.sinks.webhook.mailbox import Letter

        if self._carrier is not None:
            # A server that answered too late gets it twice, and knows it by this.
            numbered = {"id": secrets.token_hex(8), **record}
            body = json.dumps(to_plain(numbered), ensure_ascii=False).encode("utf-8")
            self._carrier.mailbox.put(Letter(body, is_event))

    def record(self) -> dict[str, Any] | None:
        """The address, and what became of what was sent there."""
        carrier = self._over or self._carrier
        if carrier is None or not self._tried(carrier):
            return None
        counted = ("delivered", "refused", "lost", "missed", "retries")
        return {"url": self.address.shown, **{name: getattr(carrier, name) for name in counted}}

    def summary(self) -> tuple[str, str] | None:
        """The address and how much arrived."""
        carrier = self._over
        if carrier is None or not self._tried(carrier):
            return None
        return "webhook", f"{self.address.shown} ({carrier.delivered} delivered)"

    def _tried(self, carrier: Carrier) -> int:
        return carrier.delivered + carrier.refused + carrier.lost + carrier.missed
