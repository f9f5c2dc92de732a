"""The flags of the MQTT output: what is no broker, and what is missing."""

from __future__ import annotations

import sys

import pytest

from runtime.errors import UserError
from runtime.sinks.mqtt import MqttSink


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mqtt://", "names no host and port"),
        ("", "--mqtt is empty"),
        ("http://host", "expected mqtt:// or mqtts://"),
        ("host:1883", "expected mqtt:// or mqtts://"),
        ("mqtt://host:99999", "is no address"),
        ("mqtt://host:x", "is no address"),
        ("mqtt://a..b", "is no address"),
        ("mqtt://me:S3cretly@host/a+b", "a topic has no blanks and none of + # $"),
        ("mqtt://me:S3cretly@host/a#b", "names no host and port"),
        ("mqtt://me:S3cretly@host/a?b=c", "there is no query"),
        ("mqtt://me:S3cretly@ho st/a", "an address holds no blanks"),
        ("mqtt://me:${NO_SUCH_NAME}@host", "the environment variable NO_SUCH_NAME is not set"),
    ],
)
def test_what_is_no_broker(url: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        MqttSink.from_options(MqttSink.Options(mqtt=url))
    assert says in str(caught.value) and "S3cretly" not in str(caught.value)


def test_flags_that_need_it() -> None:
    with pytest.raises(UserError, match="need --mqtt"):
        MqttSink.from_options(MqttSink.Options(mqtt_every=5.0))


def test_the_library_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = MqttSink.from_options(MqttSink.Options(mqtt="mqtt://host"))
    assert sink is not None
    monkeypatch.setitem(sys.modules, "paho.mqtt.enums", None)
    with pytest.raises(UserError, match="pip install 'paho-mqtt>=2'"):
        sink.check(None)  # type: ignore[arg-type]
