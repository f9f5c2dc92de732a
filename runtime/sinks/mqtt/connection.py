"""One connection to a broker, kept up by paho-mqtt's own thread; nothing here waits for a peer."""

from __future__ import annotations

import logging
import secrets
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from runtime.address import NetworkAddress
from runtime.errors import UserError, describe_error
from runtime.redaction import RedactingFilter

KEEP_ALIVE_S = 30
CONNECT_S = 4.0
SLOWEST_RETRY_S = 60
#: Messages with a receipt that may wait while the broker is away; more than it has to be told of
#: 254 classes.
MOST_WAITING = 1000
#: How long the end of a run waits for the last messages, and for the thread.
LAST_WORDS_S = 2.0

__all__ = ["Connection", "require_paho"]

log = logging.getLogger("mgca.sinks")
log.addFilter(RedactingFilter())


def require_paho(flag: str) -> None:
    """Raise ``UserError`` where paho-mqtt 2 is not installed."""
    try:
        from paho.mqtt.enums import CallbackAPIVersion  # noqa: F401 - what version 1 has not
    except ImportError:
        raise UserError(f"{flag} needs paho-mqtt: pip install 'paho-mqtt>=2'") from None


class Connection:
    """Publishes and listens; connects, and connects again with growing pauses, by itself.

    Args:
        flag: the output that messages name.
        address: the broker.
        will: topic and text that the broker publishes, retained, if we are gone without a word.
        on_ready: called in the network thread after each connection.
        on_message: called there with topic, payload and whether it was a retained one.
        quiet_start: do not warn before it was reached once.

    Attributes:
        connected: set while the broker is there.
        connections: how many times it was reached.
        reason: why it last was not, for people.
        lost: messages with a receipt for which there was no room.
    """

    def __init__(
        self,
        flag: str,
        address: NetworkAddress,
        will: tuple[str, str],
        on_ready: Callable[[], None],
        on_message: Callable[[str, bytes, bool], None],
        quiet_start: bool = False,
    ) -> None:
        self.address = address
        self.connected = threading.Event()
        self.connections = 0
        self.reason = "it has not answered yet"
        self.lost = 0
        self._flag = flag
        self._tried = threading.Event()
        self._warned = False
        self._quiet_start = quiet_start
        self._on_ready, self._on_message = on_ready, on_message
        self._receipts: deque[Any] = deque()
        self._publishing = threading.Lock()
        self._client = self._make_client(will)

    def _make_client(self, will: tuple[str, str]) -> Any:
        from paho.mqtt import client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"mgca-{secrets.token_hex(8)}")
        if self.address.user is not None:
            client.username_pw_set(self.address.user, self.address.password)
        if self.address.scheme == "mqtts":
            client.tls_set()
        client.will_set(will[0], will[1], qos=1, retain=True)
        client.reconnect_delay_set(1, SLOWEST_RETRY_S)
        client.connect_timeout = CONNECT_S
        client.max_queued_messages_set(MOST_WAITING)
        client.on_connect = self._note_connection
        client.on_connect_fail = self._note_failure
        client.on_disconnect = self._note_loss
        client.on_message = lambda _client, _data, message: self._on_message(
            message.topic, bytes(message.payload), message.retain
        )
        return client

    def start(self) -> None:
        """Begin to connect, and go on trying."""
        self._client.connect_async(self.address.host, self.address.port, KEEP_ALIVE_S)
        self._client.loop_start()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the first attempt; whether it succeeded."""
        self._tried.wait(timeout_s)
        return self.connected.is_set()

    def subscribe(self, topic: str) -> None:
        """Listen to a topic; to be called anew after each connection."""
        self._client.subscribe(topic, qos=1)

    def publish(self, topic: str, text: str, *, retain: bool = False) -> None:
        """Publish with a receipt; while the broker is away it waits, if there is room."""
        from paho.mqtt.enums import MQTTErrorCode

        with self._publishing:
            while self._receipts and self._receipts[0].is_published():
                self._receipts.popleft()
            if len(self._receipts) >= MOST_WAITING:
                self.lost += 1
                return
            receipt = self._client.publish(topic, text, qos=1, retain=retain)
            if receipt.rc == MQTTErrorCode.MQTT_ERR_NO_CONN:
                receipt.rc = MQTTErrorCode.MQTT_ERR_SUCCESS  # paho keeps it and sends it later
            if receipt.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._receipts.append(receipt)
            else:
                self.lost += 1

    def publish_newest(self, topic: str, text: str) -> Any:
        """Publish a state, retained and without a receipt; None if it could not be sent at once.

        What is given says with ``is_published()`` whether it has left.
        """
        sent = self._client.publish(topic, text, qos=0, retain=True)
        return sent if sent.rc == 0 else None

    def stop(self) -> int:
        """Say the last words and leave, within a few seconds; how many messages were not sent."""
        ends_at = time.monotonic() + LAST_WORDS_S
        while self.connected.is_set() and self._unsent() and time.monotonic() < ends_at:
            time.sleep(0.02)
        unsent, was_there = self._unsent(), self.connected.is_set()
        self._client.disconnect()
        # Its thread may hang in a connection attempt; it dies with the process.
        ending = threading.Thread(target=self._client.loop_stop, name="mqtt end", daemon=True)
        ending.start()
        ending.join(LAST_WORDS_S if was_there else LAST_WORDS_S / 4)
        return unsent

    def _unsent(self) -> int:
        with self._publishing:
            return sum(not receipt.is_published() for receipt in self._receipts)

    def _note_connection(self, client: Any, data: Any, flags: Any, code: Any, more: Any) -> None:
        if code.is_failure:
            self._complain(str(code))
            return
        if self._warned:
            log.warning("%s %s is there", self._flag, self.address.shown)
        self._warned = False
        self.connections += 1
        self.connected.set()
        self._tried.set()
        self._guard(self._on_ready)

    def _note_failure(self, client: Any, data: Any) -> None:
        error = sys.exc_info()[1]  # paho calls this while it handles the error
        self._complain("no connection" if error is None else describe_error(error))

    def _note_loss(self, client: Any, data: Any, flags: Any, code: Any, more: Any) -> None:
        was_there = self.connected.is_set()
        self.connected.clear()
        if code.is_failure and was_there:
            self._complain(str(code))

    def _complain(self, reason: str) -> None:
        """Warn once until it is there again."""
        self.reason = reason
        if not self._warned and not (self._quiet_start and not self.connections):
            self._warned = True
            log.warning(
                "%s %s is away (%s); it is tried again until it answers",
                self._flag, self.address.shown, reason,
            )  # fmt: skip
        self._tried.set()

    def _guard(self, work: Callable[[], None]) -> None:
        """An exception would end paho's thread."""
        try:
            work()
        except Exception as error:
            log.warning("%s: %s", self._flag, describe_error(error))
