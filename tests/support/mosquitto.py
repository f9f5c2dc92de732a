"""A real MQTT broker, mosquitto, as a process on a port of its own; and a client that listens."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import end_process

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_mosquitto = pytest.mark.skipif(
    PROGRAM is None, reason="needs mosquitto (apt-get install mosquitto)"
)
LONG_S = 20.0


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Broker:
    """Starts and kills mosquitto; what is retained is forgotten with the process."""

    def __init__(self, folder: Path, more: str = "allow_anonymous true\n") -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\n{more}user root\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(self._answers, "the broker does not listen")
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        if self._process is not None:
            end_process(self._process)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections and says nothing while the block lasts."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Listener:
    """Hears everything at a broker; keeps each topic's texts in order."""

    def __init__(self, port: int, **login: str) -> None:
        from paho.mqtt import client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        self.heard: dict[str, list[str]] = {}
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        if login:
            self.client.username_pw_set(**login)
        subscribed = threading.Event()
        self.client.on_connect = lambda *_: self.client.subscribe("#", qos=1)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = self._keep
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        if not subscribed.wait(LONG_S):
            self.__exit__()
            raise AssertionError("the broker did not take the subscription")

    def _keep(self, client: Any, data: Any, message: Any) -> None:
        self.heard.setdefault(message.topic, []).append(message.payload.decode("utf-8", "replace"))

    def last(self, topic: str) -> str | None:
        """The newest text of a topic."""
        texts = self.heard.get(topic)
        return texts[-1] if texts else None

    def wait(self, topic: str, holds: Callable[[str], bool] = lambda text: True) -> str:
        """Wait for a text of a topic for which ``holds`` is true; the newest such."""

        def found() -> list[str]:
            return [text for text in list(self.heard.get(topic, [])) if holds(text)]

        until(lambda: bool(found()), f"nothing came at {topic}: {self.heard}")
        return found()[-1]

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def until(condition: Callable[[], bool], complaint: str) -> None:
    """Wait for what must come."""
    ends_at = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < ends_at, complaint
        time.sleep(0.01)
