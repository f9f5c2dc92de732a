"""The MQTT output of one stream."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.address import NetworkAddress, read_address
from runtime.errors import MgcaError, UserError
from runtime.flag_values import number
from runtime.options import option
from runtime.plain_json import to_plain
from runtime.redaction import redact_record
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.mqtt.topics import DEFAULT_PREFIX, Topics
from runtime.sinks.registry import register

if TYPE_CHECKING:
    from runtime.events import Event
    from runtime.sinks.claims import Claims
    from runtime.sinks.mqtt.connection import Connection
    from runtime.sinks.mqtt.words import WordChanger
    from runtime.sources.frame import Source
    from runtime.stream.stream import Stream

FLAG = "--mqtt"
PORTS = {"mqtt": 1883, "mqtts": 8883}
EXAMPLE = "mqtt://host:1883/home/mgca"
EVERY_S = 1.0
DISCOVERY = "homeassistant"

__all__ = ["MqttSink"]


@register
class MqttSink(Sink):
    """Areas, events and whether we are there, below ``<prefix>/<stream>/``; words from there.

    A broker that is away is warned of once and tried again; frames never wait for it. The newest
    state stands at the broker; events wait while it is away, as many as there is room for.
    """

    key = "mqtt"
    place = 34
    queue_frames = 1  # only the newest state counts

    @dataclass(frozen=True)
    class Options:
        """The broker, how often, and where Home Assistant looks."""

        mqtt: str | None = option(
            "areas and events to an MQTT broker: --mqtt mqtt://user:password@host/home/mgca "
            "(mqtts:// with TLS)",
            metavar="URL",
        )
        mqtt_every: float = option(
            "seconds between two states of --mqtt: --mqtt-every 5 (default 1)",
            default=EVERY_S,
            metavar="S",
            holds=float,
            read=number(0, 86400),
        )
        mqtt_discovery: str = option(
            f"where Home Assistant looks for sensors: --mqtt-discovery none (default {DISCOVERY})",
            default=DISCOVERY,
            metavar="PREFIX|none",
        )

    def __init__(
        self, address: NetworkAddress, every_s: float = EVERY_S, discovery: str | None = DISCOVERY
    ) -> None:
        self.address = address
        self.every_s = every_s
        self.discovery = discovery
        self.prefix = _read_topic(address.path, DEFAULT_PREFIX)
        self.states = self.events = 0
        self._facts = RunFacts((), (), "")
        self._topics = Topics.of(self.prefix, "")
        self._stream: Stream | None = None
        self._connection: Connection | None = None
        self._words: WordChanger | None = None
        self._class_names: tuple[str, ...] = ()
        self._state = ""
        self._sent_state = ""
        self._sending: Any = None
        self._sent_at = -float("inf")

    @classmethod
    def from_options(cls, options: Options) -> MqttSink | None:
        """One for ``--mqtt``; ``UserError`` for its other flags without it, or no address."""
        if options.mqtt is None:
            if options.mqtt_every != EVERY_S or options.mqtt_discovery != DISCOVERY:
                raise UserError("--mqtt-every and --mqtt-discovery need --mqtt mqtt://host")
            return None
        address = read_address(FLAG, options.mqtt, PORTS, EXAMPLE)
        if address.query:
            raise UserError(f"{FLAG} {address.shown}: there is no query; expected {EXAMPLE}")
        discovery = _read_topic(options.mqtt_discovery, DISCOVERY)
        return cls(address, options.mqtt_every, None if discovery == "none" else discovery)

    def check(self, claims: Claims) -> None:
        """Raise ``UserError`` where the library is missing; the broker may come later."""
        from runtime.sinks.mqtt.connection import require_paho

        require_paho(FLAG)

    def prepare(self, facts: RunFacts) -> None:
        """Take over the stream's name and classes."""
        self._facts = facts
        self._topics = Topics.of(self.prefix, facts.stream)
        self._class_names = facts.class_names

    def attach(self, stream: Stream) -> None:
        """Take over whose words a message may change."""
        self._stream = stream

    def begin(self, source: Source) -> None:
        """Begin to connect; with ``--strict`` a broker that is away is an error.

        Raises:
            UserError: it is (exit code 2: an output that cannot be written).
        """
        from runtime.sinks.mqtt.connection import CONNECT_S, Connection
        from runtime.sinks.mqtt.words import WordChanger

        if self._stream is not None:
            self._words = WordChanger(self._stream)
        strict = self._stream is not None and self._stream.strict
        will = self._topics.availability, "offline"
        self._connection = Connection(
            FLAG, self.address, will, self._greet, self._hear, quiet_start=strict
        )
        self._connection.start()
        if strict and not self._connection.wait(CONNECT_S + 1):
            raise UserError(
                f"{FLAG} {self.address.shown}: the broker cannot be reached "
                f"({self._connection.reason}); check the address, or leave --strict out"
            )

    def write(self, item: SegmentedFrame) -> None:
        """Keep the state, and send it if it is time."""
        assert self._connection is not None
        if item.result.class_names != self._class_names:
            before, self._class_names = self._class_names, item.result.class_names
            self._remove_sensors(before)
            self._announce()
        self._state = self._describe(item)
        if time.monotonic() - self._sent_at >= self.every_s:
            self._send_state()

    def note(self, event: Event) -> None:
        """Send an event."""
        if self._connection is not None:
            record = to_plain(redact_record(event.record()))
            self._connection.publish(self._topics.event, json.dumps(record, ensure_ascii=False))
            self.events += 1

    def close(self) -> None:
        """Send the last state, say that we go, and leave.

        Raises:
            MgcaError: the broker was never there, or events did not reach it.
        """
        if self._words is not None:
            self._words.stop()
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.connected.is_set():
            if self._state != self._sent_state:
                connection.publish(self._topics.state, self._state, retain=True)
            connection.publish(self._topics.availability, "offline", retain=True)
        lost = connection.stop() + connection.lost
        if not connection.connections:
            raise MgcaError(
                f"{FLAG} {self.address.shown} was never reached ({connection.reason}); "
                "check the address and the broker"
            )
        if lost:
            raise MgcaError(f"{FLAG} {self.address.shown} did not take {lost} messages in time")

    def record(self) -> dict[str, Any] | None:
        """The broker, and how many states and events went there."""
        if not self.states and not self.events:
            return None
        record = {"broker": self.address.shown, "topic": f"{self.prefix}/{self._topics.stream}"}
        return {**record, "states": self.states, "events": self.events}

    def summary(self) -> tuple[str, str] | None:
        """Where states and events went, and how many."""
        if not self.states and not self.events:
            return None
        where = f"{self.prefix}/{self._topics.stream} at {self.address.host}"
        return "mqtt", f"{where} ({self.states} states, {self.events} events)"

    def _describe(self, item: SegmentedFrame) -> str:
        captured_at = time.time() - (time.perf_counter() - item.frame.captured_at)
        record = {
            "stream": self._facts.stream,
            "at_s": round(captured_at, 3),
            "frame": item.frame.index,
            "time_s": round(item.frame.time_s, 3),
            "classes": {name: round(100 * area, 3) for name, area in item.result.areas.items()},
            "latency_ms": round(item.latency_ms.get("total", 0.0), 1),
        }
        return json.dumps(to_plain(record), ensure_ascii=False)

    def _send_state(self) -> None:
        """Publish the newest state, unless the one before is still on its way."""
        connection = self._connection
        if connection is None or not self._state or not connection.connected.is_set():
            return
        if self._sending is not None and not self._sending.is_published():
            return
        state = self._state
        self._sending = connection.publish_newest(self._topics.state, state)
        if self._sending is not None:
            self._sent_state, self._sent_at = state, time.monotonic()
            self.states += 1

    def _greet(self) -> None:
        """Say all that stands, at each connection: the broker may have forgotten it."""
        assert self._connection is not None
        self._sending = None  # what was on its way is lost
        for topic in (self._topics.classes, self._topics.classes_set):
            self._connection.subscribe(topic)
        self._announce()
        self._connection.publish(self._topics.availability, "online", retain=True)
        self._send_state()

    def _announce(self) -> None:
        """The classes that stand, and a sensor for each."""
        from runtime.sinks.mqtt.discovery import discovery_topic, sensor_config

        connection, names = self._connection, self._class_names
        if connection is None or not connection.connected.is_set():
            return
        connection.publish(self._topics.classes, json.dumps(list(names)), retain=True)
        if self.discovery is None:
            return
        version = _find_version()
        for name in names:
            config = sensor_config(self._topics, name, self._facts.bundle_id, version)
            topic = discovery_topic(self.discovery, self._topics, name)
            connection.publish(topic, json.dumps(config), retain=True)

    def _hear(self, topic: str, payload: bytes, retained: bool) -> None:
        """Take a wish for other classes, or remove the sensors of an earlier run."""
        if topic == self._topics.classes_set and not retained and self._words is not None:
            self._words.ask(payload)  # a retained one is somebody's wish of long ago
        elif topic == self._topics.classes and retained:
            self._remove_sensors(_read_names(payload))

    def _remove_sensors(self, class_names: tuple[str, ...]) -> None:
        """Remove the sensors of classes that do not stand any more."""
        from runtime.sinks.mqtt.discovery import discovery_topic

        connection = self._connection
        if connection is None or self.discovery is None or not connection.connected.is_set():
            return
        for name in set(class_names) - set(self._class_names):
            connection.publish(discovery_topic(self.discovery, self._topics, name), "", retain=True)


def _read_topic(text: str, default: str) -> str:
    """A topic to put others below; raises ``UserError`` for signs that stand for other topics."""
    topic = text.strip("/")
    if re.search(r"[+#\0\s$]", topic):
        raise UserError(f"{FLAG}: a topic has no blanks and none of + # $; expected {EXAMPLE}")
    return topic or default


def _read_names(payload: bytes) -> tuple[str, ...]:
    try:
        names = json.loads(payload)
    except (ValueError, RecursionError):
        return ()
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _find_version() -> str | None:
    from importlib import metadata

    try:
        return metadata.version("mgca")
    except metadata.PackageNotFoundError:
        return None
