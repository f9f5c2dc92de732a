"""A webhook: events, and if wanted frames, as JSON to an address by POST."""

from runtime.sinks.webhook.sink import Webhook

__all__ = ["Webhook"]
